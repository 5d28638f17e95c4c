import { existsSync } from "node:fs";
import { join } from "node:path";

const inCopy = /^\/nix\/store\/[a-z0-9]{32}-source\/(?<path>.+)$/;

/** The path below `directory` whose copy in the store this is; undefined where there is no such file. */
export function originalOf(copy: string, directory: string): string | undefined {
  const path = inCopy.exec(copy)?.groups?.["path"];
  return path !== undefined && existsSync(join(directory, path)) ? path : undefined;
}
