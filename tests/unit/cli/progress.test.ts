import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { createProgress } from "../../../src/cli/progress.ts";
import { repeatCommand } from "../../../src/cli/repeat.ts";
import { capture } from "../../fixtures/captured-io.ts";

test("without a terminal each phase is one line, and details are left out", () => {
  const { stream, text } = capture();
  using progress = createProgress({ stream, mode: "plain", verbose: false });
  progress.update("web", { phase: "boot", detail: "first" });
  progress.update("web", { phase: "boot", detail: "second" });
  progress.update("web", { phase: "checks" });
  progress.note("kept \x1b[31mclean");
  expect(text()).toBe("web: boot\nweb: checks\nkept clean\n");
});

test("with --verbose each detail is a line", () => {
  const { stream, text } = capture();
  using progress = createProgress({ stream, mode: "plain", verbose: true });
  progress.update("web", { phase: "boot", detail: "first" });
  progress.update("web", { phase: "boot", detail: "first" });
  expect(text()).toBe("web: boot\nweb: first\n");
});

test("on a terminal the last console line is shown clean and cut, and nothing stays behind", async () => {
  const { stream, text } = capture({ isTTY: true, columns: 40 });
  {
    using progress = createProgress({ stream, mode: "live", verbose: false });
    progress.update("web", { phase: "boot", detail: `\x1b[32mOK\x1b[0m ${"x".repeat(100)}` });
    await sleep(300);
  }
  // oxlint-disable-next-line no-control-regex
  const lines = text().split(/\r\x1b\[1A\x1b\[J/);
  expect(lines[0]).toMatch(/^\S web: boot {2}0 s {2}OK x+…\n$/);
  expect(lines[0]?.length).toBe(40);
  expect(lines.at(-1)).toBe("");
});

test("silence is silent", () => {
  const { stream, text } = capture();
  using progress = createProgress({ stream, mode: "silent", verbose: true });
  progress.update("web", { phase: "boot", detail: "detail" });
  progress.note("note");
  expect(text()).toBe("");
});

test.for([
  { program: ["/usr/bin/node", "/usr/local/bin/dryboot"], environment: {}, call: "dryboot" },
  {
    program: ["/usr/bin/node", "/p/node_modules/.bin/dryboot"],
    environment: {},
    call: "npx dryboot",
  },
  { program: ["/usr/bin/node", "/p/bin/dryboot.js"], environment: {}, call: "node bin/dryboot.js" },
  {
    program: ["/usr/bin/node", "/q/bin/dryboot.js"],
    environment: {},
    call: "node /q/bin/dryboot.js",
  },
])("the command to repeat is quoted for a shell: $call", ({ program, environment, call }) => {
  const argv = ["smoke", "--expr", "{ x = 'y'; }", ".#web"];
  expect(repeatCommand({ program, environment, cwd: "/p" }, argv)).toBe(
    `${call} smoke --expr '{ x = '\\''y'\\''; }' .#web`,
  );
});
