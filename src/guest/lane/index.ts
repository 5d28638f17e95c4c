export { laneAgentProgram } from "./agent.ts";
export type { IdleAgent, Lane } from "./lane.ts";
export {
  openLane,
  resumeLane,
  type LaneAttempt,
  type OpenLaneOptions,
  type ResumeLaneOptions,
} from "./open-lane.ts";
export { laneControlPortId, laneQemuArguments } from "./ports.ts";
