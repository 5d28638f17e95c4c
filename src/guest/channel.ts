import type { GuestLostError } from "../errors.ts";
import type { IdleAgent } from "./lane/index.ts";

/** One command for the guest's shell. */
export interface CommandRequest {
  /** Shell text for bash, or an argument vector that no shell reads. */
  readonly command: string | readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** @default the home directory of the user */
  readonly cwd?: string;
  /** Runs in a login session of this user. @default root, in the console's own session */
  readonly user?: string;
  /**
   * A source is read as fast as the guest takes it: over the lane while the command reads it, over
   * the console before the command starts.
   */
  readonly stdin?: CommandInput;
  /** The command is ended in the guest after this time. @default never */
  readonly timeoutMs?: number;
  /** Of each of the two outputs; what comes later is dropped. @default 1 MiB */
  readonly maxOutputBytes?: number;
  /** Ends the command and fails the call. */
  readonly signal?: AbortSignal;
  /**
   * Is given the outputs piece by piece, as early as the way to the guest allows: over the lane
   * while the command is running and beyond `maxOutputBytes`, over the console at its end. No
   * further piece is read before the promise that it returns has resolved.
   */
  readonly onOutput?: OutputListener;
}

export type CommandInput = string | Uint8Array | AsyncIterable<string | Uint8Array>;

export type OutputStream = "stdout" | "stderr";

export type OutputListener = (stream: OutputStream, bytes: Uint8Array) => void | Promise<void>;

export interface CommandOutcome {
  /** `undefined` when a signal ended the command, or when it never ended. */
  readonly exitCode: number | undefined;
  readonly signal?: string;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  /** One of the outputs was longer than `maxOutputBytes`. */
  readonly truncated: boolean;
  readonly timedOut: boolean;
  readonly durationMs: number;
}

/** What processes wrote that outlived their command. */
export interface LateOutput {
  readonly command: string;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

/** A way to run commands as root in a guest. */
export interface CommandChannel extends AsyncDisposable {
  /** How it reaches the guest, for reports. */
  readonly kind: string;
  /** Why no command can be run any more. */
  readonly failure: GuestLostError | undefined;
  /**
   * Runs one command; calls that overlap wait for their turn or run side by side, as the way allows.
   * @throws GuestLostError when the guest is lost before the command ended
   */
  run(request: CommandRequest): Promise<CommandOutcome>;
  /** By which another host goes on with an agent that was saved with its guest; nothing where it cannot. */
  idleAgent(): IdleAgent | undefined;
  /** The newest of what came after the ends of commands, in their order; nothing over the console. */
  lateOutput(): readonly LateOutput[];
  /** Lets go without a word to the guest, whose shell is gone: what still runs fails with this error. */
  abandon(error: GuestLostError): void;
}
