export { init } from "./init.ts";
export type { InitOptions, InitResult } from "./init.ts";
export type { InitFile } from "./repository.ts";
