export { Subject } from "./subjects/subject.ts";
export type { BackgroundCommand } from "./background.ts";
export type { Phase, Progress } from "./boot-phases.ts";
export type { BootTime } from "./boot-time.ts";
export { agentVersion, type Checkpoint, type SavedGuest } from "./checkpoint.ts";
export {
  CommandFailedError,
  CommandSucceededError,
  type CommandOptions,
  type CommandResult,
} from "./command.ts";
export { collectEvidence, type Evidence, type FailedUnit } from "./evidence.ts";
export type { StartOptions } from "./guest.ts";
export type { WaitOptions, WriteOptions } from "./guest-commands.ts";
export type { LateOutput } from "./late-output.ts";
export { Machine } from "./machine.ts";
export type { ConsoleExpectOptions, MachineConsole } from "./machine-console.ts";
export { Network } from "./network.ts";
export {
  ExpectationError,
  gatherEvidence,
  observeUntil,
  waitFor,
  type Expectation,
  type PendingWait,
  type Verdict,
} from "./observe.ts";
export type { CommandRunner } from "./runner.ts";
export { quoteCommand, type ShellArgument } from "./shell.ts";
export {
  Certificate,
  type CertificateEntry,
  type ExpectedCertificate,
  type TlsServer,
} from "./subjects/certificate.ts";
export { Dns, type DnsOptions, type ExpectedResolution } from "./subjects/dns.ts";
export { File, type FileStatus, type FileType } from "./subjects/file.ts";
export { Group, type GroupEntry } from "./subjects/group.ts";
export { Http } from "./subjects/http.ts";
export type { ExpectedResponse, HttpOptions, HttpResponse } from "./subjects/http-response.ts";
export {
  Journal,
  type JournalEntry,
  type JournalFilter,
  type Priority,
} from "./subjects/journal.ts";
export { KernelModule } from "./subjects/kernel-module.ts";
export { Mount, type ExpectedMount, type MountEntry } from "./subjects/mount.ts";
export { NetworkInterface, type InterfaceEntry } from "./subjects/network-interface.ts";
export {
  Package,
  type ExpectedPackage,
  type PackageEntry,
  type PackageOptions,
} from "./subjects/package.ts";
export { Port, type PortOptions } from "./subjects/port.ts";
export { Process, type ProcessEntry, type ProcessOptions } from "./subjects/process.ts";
export { Socket, type SocketOptions } from "./subjects/socket.ts";
export { StorePath } from "./subjects/store-path.ts";
export { Sysctl } from "./subjects/sysctl.ts";
export { Timer, type ExpectedSchedule, type TimerEntry } from "./subjects/timer.ts";
export { Unit, type UnitOptions } from "./subjects/unit.ts";
export { User, type UserEntry } from "./subjects/user.ts";
export type { TransferOptions, TransferProgress, UploadOptions } from "./transfer.ts";
export type { UnitState } from "./unit-state.ts";
export type { VirtualConsole } from "./virtual-console.ts";
export { whileHolding, type WhileHoldingOptions } from "./while-holding.ts";
