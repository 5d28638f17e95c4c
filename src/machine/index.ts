export type { BackgroundCommand } from "./background.ts";
export type { Phase, Progress } from "./boot-phases.ts";
export type { BootTime } from "./boot-time.ts";
export {
  CommandFailedError,
  CommandSucceededError,
  type CommandOptions,
  type CommandResult,
} from "./command.ts";
export { collectEvidence, type Evidence, type FailedUnit } from "./evidence.ts";
export type { StartOptions } from "./guest.ts";
export type { WaitOptions } from "./guest-commands.ts";
export { Machine } from "./machine.ts";
export type { ConsoleExpectOptions, MachineConsole } from "./machine-console.ts";
export {
  ExpectationError,
  gatherEvidence,
  observeUntil,
  waitFor,
  type Expectation,
  type Verdict,
} from "./observe.ts";
export type { CommandRunner } from "./runner.ts";
export { quoteCommand, type ShellArgument } from "./shell.ts";
export { File, type FileStatus } from "./subjects/file.ts";
export {
  Http,
  type ExpectedResponse,
  type HttpOptions,
  type HttpResponse,
} from "./subjects/http.ts";
export { Port, type PortOptions } from "./subjects/port.ts";
export { Unit, type UnitOptions } from "./subjects/unit.ts";
export type { UnitState } from "./unit-state.ts";
