import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const source = fileURLToPath(new URL("../../src/", import.meta.url));

test("whatever runs beside a user's test takes its time from the host's clock", () => {
  const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter(
    (file) => file.endsWith(".ts") && !file.startsWith("cli/"),
  );
  const byGlobalClock = files.filter((file) => {
    const text = readFileSync(join(source, file), "utf8");
    const imported = [
      ...text.matchAll(/import \{([^}]*)\} from "(?:\.[^"]*clock\.ts|node:timers[^"]*)"/g),
    ].join();
    const used = text.matchAll(/(?<![\w.])(setTimeout|setInterval|performance)(?:\(|\.now\()/g);
    return [...used].some(([, name = ""]) => !new RegExp(String.raw`\b${name}\b`).test(imported));
  });
  expect(files.length).toBeGreaterThan(100);
  expect(byGlobalClock).toEqual([]);
});
