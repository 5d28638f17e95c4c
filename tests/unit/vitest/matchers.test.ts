import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, test } from "vitest";
import { GuestLostError } from "../../../src/errors.ts";
import { File, Http, Port, Unit, type CommandRunner } from "../../../src/machine/index.ts";
import { expect } from "../../../src/vitest/matchers.ts";
import { hostRunner } from "../machine/host-runner.ts";

// systemctl is a small program here, that says what a real one said.
const programs = fileURLToPath(new URL("../../fixtures/programs", import.meta.url));
const host = hostRunner({ path: programs });
const systemctl = new File(host, `${programs}/systemctl`);

test("a matcher that holds passes, and so does .not of one that does not", async () => {
  await expect(systemctl).toExist();
  await expect(systemctl).toHaveMode("0755");
  await expect(systemctl).toHaveContent(/^#!\/usr\/bin\/env bash/);
  await expect(new File(host, "/nowhere")).not.toExist();
  await expect(new Unit(host, "nginx")).toBeActive();
  await expect(new Unit(host, "greeter")).toBeFailed();
  await expect(new Unit(host, "greeter")).not.toBeActive();
});

describe("a matcher that does not hold", () => {
  test("says in one line what was wanted, what was seen and how long it looked", async () => {
    await expect(
      expect(new File(host, "/nowhere")).toHaveOwner("root", { timeoutMs: 100 }),
    ).rejects.toThrow(
      /^file \/nowhere of host was expected to belong to root, but does not exist \(waited [\d.]+ m?s\)$/,
    );
    await expect(expect(systemctl).not.toExist({ timeoutMs: 0 })).rejects.toThrow(
      /was expected not to exist, but is a file \(waited /,
    );
    await expect(expect(new Port(host, 9)).toBeListening({ timeoutMs: 0 })).rejects.toThrow(
      /tcp port 9 of host was expected to be listening, but nobody listens on it/,
    );
  });

  test("gives up at once on a unit that has failed, and shows its journal", async () => {
    await expect(expect(new Unit(host, "greeter")).toBeActive()).rejects.toThrow(
      /but has failed \(exit-code, status 7\) \(known after [^]*journal:\n.*no greeting/,
    );
  });

  test("carries its verdict as data", async () => {
    const error: unknown = await expect(systemctl)
      .toHaveMode(0o600, { timeoutMs: 0 })
      .then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
    expect(error).toMatchObject({
      __vitest_error_context__: {
        assertionName: "toHaveMode",
        meta: { pass: false, timedOut: true, saw: "has the mode 0755" },
      },
    });
  });
});

test("a guest that is lost ends a matcher at its first look, and .not of one too", async () => {
  let looks = 0;
  const lost: CommandRunner = {
    ...host,
    execute: async () => {
      looks += 1;
      throw new GuestLostError("host: kernel panic", { code: "GUEST_LOST" });
    },
  };
  await expect(expect(new File(lost, "/etc")).toExist()).rejects.toThrow("host: kernel panic");
  await expect(expect(new Port(lost, 9)).not.toBeOpen()).rejects.toThrow("host: kernel panic");
  expect(looks).toBe(2);
});

test("a text that differs is given to vitest for a diff", async () => {
  const error: unknown = await expect(new File(host, "/proc/self/comm"))
    .toHaveContent("dog\n", { timeoutMs: 0 })
    .then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
  expect(error).toMatchObject({ expected: "dog\n", actual: "cat\n" });
});

test("a matcher for another kind of subject is refused, by the compiler too", async () => {
  // @ts-expect-error -- a file is never active
  await expect(expect(systemctl).toBeActive()).rejects.toThrow(
    /^toBeActive is for a unit of a machine, not for file \/.*\/systemctl of host$/,
  );
  // @ts-expect-error -- a port is no such thing either
  await expect(expect(new Port(host, 9)).toExist()).rejects.toThrow(
    "toExist is for a file, a group, a network interface, a socket, a store path, a unit or a user of a machine",
  );
  // @ts-expect-error -- nor is a string
  await expect(expect("nginx.service").toBeActive()).rejects.toThrow(
    'toBeActive is for a unit of a machine, not for "nginx.service"',
  );
});

test.for<[wrong: string, says: string, call: () => Promise<void>]>([
  [
    "option",
    "toExist has no timeout; did you mean timeoutMs?",
    // @ts-expect-error -- there is none
    () => expect(systemctl).toExist({ timeout: 5 }),
  ],
  [
    "type of an option",
    'timeoutMs of toExist is a number of milliseconds, not "1 s"',
    // @ts-expect-error -- a text is none
    () => expect(systemctl).toExist({ timeoutMs: "1 s" }),
  ],
  [
    "argument in place of options",
    "toExist takes { timeoutMs: … }, not 5",
    // @ts-expect-error -- a number is none
    () => expect(systemctl).toExist(5),
  ],
  [
    "number of arguments",
    "toHaveContent has not been told what to expect",
    // @ts-expect-error -- the content is missing
    () => expect(systemctl).toHaveContent(),
  ],
  [
    "part of a response",
    "the expectation of toRespond has no stauts; did you mean status?",
    // @ts-expect-error -- there is none
    () => expect(new Http(host, "http://localhost/")).toRespond({ stauts: 200 }),
  ],
])("a wrong %s is refused, also where no compiler does it", async ([, says, call]) => {
  await expect(call()).rejects.toThrow(says);
});

const source = (path: string): string =>
  readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");

test.for(
  [...source("src/vitest/guest-matchers.ts").matchAll(/^ {2}(to\w+):/gm)].map(([, name]) => name),
)("%s is described, and is seen on a real guest", (name) => {
  expect(source("docs/matchers.md")).toContain(`\`${name}(`);
  expect(source("tests/machines/subjects.test.ts")).toMatch(
    new RegExp(`matcher: "${name}\\b[^]*?holds: [^]*?\\b${name}\\([^]*?fails: [^]*?\\b${name}\\(`),
  );
});
