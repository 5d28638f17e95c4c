export { canRun, examineHost, type DoctorOptions, type Finding } from "./doctor.ts";
export { missingRequirements, type Requirement } from "./requirements.ts";
export { guestLimit } from "./resources.ts";
export { setUpHost, type SetupOptions } from "./setup.ts";
