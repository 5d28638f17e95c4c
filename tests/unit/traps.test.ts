// CONTRIBUTING's table of traps names, for each, the one place that handles it.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const contributing = readFileSync(join(root, "CONTRIBUTING.md"), "utf8");
const table = contributing.split(/^## /m).find((part) => part.startsWith("Traps ")) ?? "";
const rows = table.split("\n").filter((line) => /^\| .*`src\//.test(line));

test("every place that the table of traps names is there, and so is the function in it", () => {
  expect(rows.length).toBeGreaterThan(20);
  const missing: string[] = [];
  for (const row of rows) {
    const places = row.slice(row.lastIndexOf("| `"));
    const first = /`(src\/\S+)`/.exec(places)?.[1] ?? "";
    const files = [...places.matchAll(/`(\S+\.ts)`/g)].map(([, name = ""]) =>
      name.startsWith("src/") ? name : join(dirname(first), name),
    );
    missing.push(...files.filter((file) => !existsSync(join(root, file))));
    const [, file = first, name] = /`(\S+\.ts)` \(`(\w+)`\)/.exec(places) ?? [];
    if (name !== undefined && !readFileSync(join(root, file), "utf8").includes(name)) {
      missing.push(`${name} in ${file}`);
    }
  }
  expect(missing).toEqual([]);
});
