import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createNixLog, storeName } from "../../../src/nix/nix-log.ts";
import type { NixProgress } from "../../../src/nix/types.ts";

const lines = readFileSync(
  new URL("../../fixtures/nix-logs/build-fails.log", import.meta.url),
  "utf8",
).split("\n");

test("progress names what is being built and how many are left", () => {
  const seen: NixProgress[] = [];
  const log = createNixLog("build", (progress) => seen.push(progress));
  for (const line of lines) log.push(line);
  expect(seen).toContainEqual({ phase: "build", detail: "bad", built: 0, total: 4 });
});

test("a builder's log is kept apart by derivation, its end only", () => {
  const log = createNixLog("build");
  const id = 7;
  log.push(event({ action: "start", id, type: 105, fields: ["/nix/store/a.drv", "", 1, 1] }));
  for (let line = 1; line <= 1000; line++) {
    log.push(event({ action: "result", id, type: 101, fields: [`line ${line}`] }));
  }
  expect(log.builderLog("/nix/store/a.drv").at(-1)).toBe("line 1000");
  expect(log.builderLog("/nix/store/a.drv").length).toBeLessThan(100);
  expect(log.builderLog("/nix/store/b.drv")).toEqual([]);
});

test("what is not an event does no harm", () => {
  const log = createNixLog("build");
  for (const line of ["", "@nix {", "trace: hello", "@nix null", '@nix {"action":7}'])
    log.push(line);
  expect(log.errors).toEqual([]);
});

test("an error from before the logger listens is an error too", () => {
  const log = createNixLog("evaluate");
  log.push("error: unrecognised flag '--lgo-format'");
  expect(log.errors).toMatchObject([{ text: "unrecognised flag '--lgo-format'" }]);
});

test("what a configuration warns of is kept, what it traces is not", () => {
  const log = createNixLog("evaluate");
  log.push(event({ action: "msg", level: 0, msg: "trace: warning: old option\nuse the new one" }));
  log.push(event({ action: "msg", level: 0, msg: "trace: here" }));
  expect(log.warnings).toEqual(["old option\nuse the new one"]);
  expect(log.errors).toEqual([]);
});

test("a store path is named without its hash", () => {
  expect(storeName("/nix/store/6rh3sicp6c3ss426mxlklnhh3wwgx42a-nginx-1.24.0.drv")).toBe(
    "nginx-1.24.0",
  );
});

function event(fields: Readonly<Record<string, unknown>>): string {
  return `@nix ${JSON.stringify(fields)}`;
}
