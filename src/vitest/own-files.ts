import { fileURLToPath } from "node:url";

/** A file of this folder, as vitest is told of it: it reads TypeScript too. */
export function besideThis(name: string): string {
  const [, directory, extension] =
    /^(.*\/)[^/]+(\.[jt]s)$/.exec(fileURLToPath(import.meta.url)) ?? [];
  return `${directory}${name}${extension}`;
}
