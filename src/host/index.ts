export { canRun, examineHost, type DoctorOptions, type Finding } from "./doctor.ts";
export type { Capacity } from "./guest-admission.ts";
export {
  acquireGuestSlot,
  hostCapacity,
  takeGuestRoom,
  type GuestRoomOptions,
  type GuestShortage,
  type GuestSlotOptions,
} from "./guest-budget.ts";
export { missingRequirements, type Requirement } from "./requirements.ts";
export { availableMemoryMiB, evaluationsAtOnce } from "./resources.ts";
export { setUpHost, type SetupOptions } from "./setup.ts";
