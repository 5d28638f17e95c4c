export {
  chooseAccelerator,
  type Accelerator,
  type AcceleratorOptions,
  type AcceleratorRequest,
} from "./accelerator.ts";
export type { AcceleratorProbe } from "./kvm-probe.ts";
export {
  loadState,
  requireSavable,
  resumeState,
  restoreArguments,
  restoreDisk,
  saveState,
  type SavedState,
} from "./checkpoint.ts";
export {
  checkpointDirectory,
  checkpointRoomBytes,
  findCheckpoint,
  forgetCheckpoint,
  listCheckpoints,
  storeCheckpoint,
  type CachedCheckpoint,
  type CheckpointCacheOptions,
} from "./checkpoint-cache.ts";
export { guestSizeOf, qemuOf, requireQemu, type GuestSize } from "./program.ts";
export {
  connectQmp,
  QmpError,
  type Qmp,
  type QmpConnectOptions,
  type QmpEvent,
  type QmpOptions,
} from "./qmp.ts";
export { forwardPort, plugCard, setLinks, unplugCard, type NetworkCard } from "./qmp-network.ts";
export { pressKeys, takeScreenshot } from "./qmp-screen.ts";
export {
  createRunDirectory,
  hostError,
  recordingNotice,
  type RunDirectory,
} from "./run-directory.ts";
export { runScriptCall, type RunScriptCall, type RunScriptOptions } from "./run-script.ts";
export { sweepRunDirectories } from "./sweep.ts";
export { virtualSwitch, type NetworkConditions, type VirtualSwitch } from "./switch/index.ts";
