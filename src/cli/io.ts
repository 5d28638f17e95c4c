/** The outside of the command line, so that tests can stand there. */
export interface Io {
  readonly stdin: NodeJS.ReadableStream & {
    readonly isTTY?: boolean;
    setRawMode?(raw: boolean): unknown;
  };
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Aborted by Ctrl-C, SIGTERM, SIGHUP. */
  readonly signal: AbortSignal;
  /** How dryboot was called, for the command that repeats it. */
  readonly program: readonly string[];
}

export type OutputStream = NodeJS.WritableStream & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

const columnsWithoutTerminal = 120;

export function columnsOf(stream: OutputStream): number {
  // A pseudo-terminal that nobody gave a size has 0.
  const { columns = 0 } = stream;
  return columns > 0 ? columns : columnsWithoutTerminal;
}

export function writeLines(stream: OutputStream, lines: readonly string[]): void {
  for (const line of lines) stream.write(`${line}\n`);
}
