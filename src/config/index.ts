export type { CheckSettings } from "./check-settings.ts";
export { readConfigFile, type ConfigFile } from "./config-file.ts";
