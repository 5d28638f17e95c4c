export type { Lane } from "./lane.ts";
export { openLane, type LaneAttempt, type OpenLaneOptions } from "./open-lane.ts";
export { laneControlPortId, laneQemuArguments } from "./ports.ts";
