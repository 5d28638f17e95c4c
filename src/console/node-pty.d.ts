// The distribution with prebuilt binaries declares its types under its own name, and as strings.
declare module "node-pty" {
  export interface PtyProcess {
    readonly pid: number;
    write(data: Buffer): void;
    resize(columns: number, rows: number): void;
    onData(listener: (data: Buffer) => void): void;
    onExit(listener: (exit: { readonly exitCode: number; readonly signal?: number }) => void): void;
  }
  export function spawn(
    file: string,
    args: string[],
    options: {
      readonly name: string;
      readonly cols: number;
      readonly rows: number;
      readonly cwd: string;
      readonly env: Record<string, string>;
      readonly encoding: null;
    },
  ): PtyProcess;
}
