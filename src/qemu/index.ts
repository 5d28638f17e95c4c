export {
  chooseAccelerator,
  type Accelerator,
  type AcceleratorOptions,
  type AcceleratorRequest,
} from "./accelerator.ts";
export { qemuOf, requireQemu } from "./program.ts";
export type { AcceleratorProbe } from "./kvm-probe.ts";
export { connectQmp, QmpError, type Qmp, type QmpEvent, type QmpOptions } from "./qmp.ts";
export {
  createRunDirectory,
  hostError,
  sweepRunDirectories,
  type RunDirectory,
} from "./run-directory.ts";
export { runScriptCall, type RunScriptCall, type RunScriptOptions } from "./run-script.ts";
