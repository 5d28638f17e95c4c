export { alarmTable, type Alarm, type AlarmRow, type GuestEventName } from "./alarms.ts";
export { attach, type AttachedTerminal } from "./attach.ts";
export { Console, type ConsoleOptions, type ExpectOptions, type Interceptor } from "./console.ts";
export type { ConsoleMatch, Pattern } from "./match.ts";
export { cleanText } from "./cleaner.ts";
export { spawnPty, type PtyOptions } from "./pty.ts";
export { isAnimation, Transcript, type TranscriptOptions } from "./transcript.ts";
export type { Exit, Transport } from "./transport.ts";
