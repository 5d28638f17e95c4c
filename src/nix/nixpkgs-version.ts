import { readFileSync } from "node:fs";

/** The version that a nixpkgs tree says of itself, such as `25.05pre-git`. */
export function readVersion(path: string): { readonly version?: string } {
  const version = read(`${path}/.version`) ?? read(`${path}/lib/.version`);
  return version === undefined
    ? {}
    : { version: `${version}${read(`${path}/.version-suffix`) ?? ""}` };
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}
