export { init } from "./init.ts";
export type { InitFile, InitOptions, InitResult } from "./init.ts";
