export type {
  CommandChannel,
  CommandInput,
  CommandOutcome,
  CommandRequest,
  LateOutput,
  OutputListener,
  OutputStream,
} from "./channel.ts";
export {
  laneAgentProgram,
  laneControlPortId,
  laneQemuArguments,
  openLane,
  resumeLane,
  type IdleAgent,
  type Lane,
} from "./lane/index.ts";
export { login, type LoginOptions } from "./login.ts";
export { openSerialChannel, type SerialChannelOptions } from "./serial-channel.ts";
export {
  parseProcNet,
  parseProperties,
  parseUnits,
  type ListeningSocket,
  type Properties,
} from "./systemd.ts";
