import { execFileSync, spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { composeCommand } from "../../../src/guest/compose.ts";
import type { CommandRequest } from "../../../src/guest/index.ts";

/** As both ways to the guest do it: the text is no argument of any process. */
function run(
  request: CommandRequest,
  input = "",
): { output: string; errors: string; status: number | null } {
  const program = `read -r -d '' size; IFS= read -r -N "$size" text; eval "$text"`;
  const text = composeCommand(request);
  const { stdout, stderr, status } = spawnSync("bash", ["-c", program], {
    input: `${text.length}\0${text}${input}`,
    env: { ...process.env, LC_ALL: "C" },
  });
  return { output: stdout.toString(), errors: stderr.toString(), status };
}

const long = "x".repeat(150_000);
const descriptors = "ls /proc/self/fd | wc -l";

test("a script of any length is read by bash, and its input is left to it", () => {
  expect(run({ command: `cat; exit 3 # ${long}` }, "input")).toEqual({
    output: "input",
    errors: "",
    status: 3,
  });
  expect(run({ command: `v='${long}'\necho \${#v} "$0" $#` }).output).toBe("150000 bash 0\n");
});

test("a long script has no more files open than a short one, and the same line numbers", () => {
  const short = run({ command: `${descriptors}; echo $LINENO` });
  expect(run({ command: `${descriptors}; echo $LINENO # ${long}` })).toEqual(short);
});

test("what the kernel does not pass on is refused with its name and its length", () => {
  expect(() => composeCommand({ command: ["printf", long] })).toThrow(
    /^argument 1 has 150000 bytes, and Linux passes at most 131071/,
  );
  expect(() => composeCommand({ command: "true", environment: { BIG: long } })).toThrow(
    /^the environment variable BIG has 150004 bytes/,
  );
  const longest = "y".repeat(131_071);
  expect(run({ command: ["printf", "%.2s", longest] })).toMatchObject({ output: "yy", status: 0 });
});

test("what no shell can take is refused", () => {
  expect(() => composeCommand({ command: [] })).toThrow("empty argument vector");
  expect(() => composeCommand({ command: "a\0b" })).toThrow("NUL");
  expect(() => composeCommand({ command: "true", environment: { "A-B": "" } })).toThrow(
    '"A-B" is no name',
  );
});

test.skipIf(process.getuid?.() !== 0)(
  "another user gets short and long scripts alike, as the owner of a login shell",
  () => {
    const name = execFileSync("id", ["-un", "nobody"]).toString();
    for (const script of ["id -un; cat", `id -un; cat # ${long}`]) {
      const { output } = run({ command: script, user: "nobody" }, "input");
      expect(output).toBe(`${name}input`);
    }
  },
);
