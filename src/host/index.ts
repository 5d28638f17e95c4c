export { canRun, examineHost, type DoctorOptions, type Finding } from "./doctor.ts";
export {
  acquireGuestSlot,
  hostCapacity,
  takeGuestRoom,
  type Capacity,
  type GuestRoomOptions,
  type GuestShortage,
  type GuestSlotOptions,
} from "./guest-budget.ts";
export { missingRequirements, type Requirement } from "./requirements.ts";
export { availableMemoryMiB } from "./resources.ts";
export { setUpHost, type SetupOptions } from "./setup.ts";
