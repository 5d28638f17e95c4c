import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { inspect } from "node:util";
import { expect, test } from "vitest";
import { attach, Console } from "../../src/console/index.ts";
import { Deadline } from "../../src/deadline.ts";
import { UsageError } from "../../src/errors.ts";
import { mask, withoutSecrets } from "../../src/hidden-text.ts";
import { CommandFailedError, type CommandResult } from "../../src/machine/index.ts";
import { upload } from "../../src/machine/upload.ts";
import { reveal, secret } from "../../src/secret.ts";
import { quoteWord } from "../../src/shell-quote.ts";
import { explainErrors } from "../../src/vitest/error-text.ts";
import { scriptedTransport } from "../fixtures/scripted-transport.ts";
import { hostRunner } from "./machine/host-runner.ts";

// What is hidden stays so for all tests of this process: these stand nowhere else.
const token = "tök'en-\"9f81c0";
secret(token);

test("a secret is a mask wherever it is printed, and itself for who asks", () => {
  const one = secret(token);
  expect(`${one} ${JSON.stringify({ one })}`).toBe(`${mask} {"one":"${mask}"}`);
  expect(inspect(one, { showHidden: true, depth: 9 })).not.toContain("9f81c0");
  expect(reveal(one)).toBe(token);
  expect(reveal("plain")).toBe("plain");
});

test("a secret is known again as JSON, quoted for a shell, in a URL, in base64 and in hexadecimal", () => {
  const forms = [
    JSON.stringify(token),
    quoteWord(token),
    encodeURIComponent(token),
    ...["", "x", "xy"].map((before) => Buffer.from(`${before}${token}\n`).toString("base64")),
    Buffer.from(token).toString("hex"),
  ];
  for (const form of forms) {
    const shown = withoutSecrets(`<${form}>`);
    expect(shown).toContain(mask);
    // Nearly nothing of it is left: the quotes, and what the neighbours have a part in.
    expect(shown.replace(mask, "").length, `${form} as ${shown}`).toBeLessThan(10);
  }
});

test("each line of a secret is one, as text and in the lines of base64", () => {
  const key = `-----BEGIN ZQ KEY-----\n${"MIIzqA7".repeat(9)}\n  zq-last-line\n-----END ZQ KEY-----\n`;
  secret(key);
  expect(withoutSecrets("a zq-last-line b")).toBe(`a ${mask} b`);
  expect(withoutSecrets(key).replaceAll(mask, "").trim()).toBe("");
  const encoded = Buffer.from(key).toString("base64").replace(/.{76}/g, "$&\n");
  expect(withoutSecrets(encoded).replaceAll(mask, "").trim().length).toBeLessThan(5);
});

test("what cannot be hidden is refused", () => {
  expect(() => secret("zq1")).toThrow(UsageError);
  expect(() => secret("zq\n1\n")).toThrow("no line of 4 characters");
  expect(() => secret("zq".repeat(40_000))).toThrow("at most 65536");
});

test("a secret stands in no error, neither in its text nor in its result", () => {
  const result: CommandResult = {
    command: `curl --header ${"x".repeat(180)} ${token}`,
    exitCode: 1,
    signal: undefined,
    stdout: `out ${token}\n`,
    stderr: `err ${token}\n`,
    durationMs: 1,
    timedOut: false,
    truncated: false,
    failed: true,
  };
  const error = new CommandFailedError("web", result);
  expect(inspect(error)).not.toMatch(/t\u00f6k/);
  expect(error.stdout).toBe(`out ${mask}\n`);
  expect(result.stdout).toContain(token);

  const cause = { details: [`saw ${token}`], hint: `use ${token}` };
  const usage = new UsageError(`there is no ${token}`, cause);
  expect(usage).toMatchObject({
    message: `there is no ${mask}`,
    details: [`saw ${mask}`],
    hint: `use ${mask}`,
  });
  expect(usage.stack).not.toContain("9f81c0");

  const compared = {
    name: "AssertionError",
    message: `expected ${token}`,
    stack: `AssertionError: expected ${token}\n    at /project/web.test.ts:7:3`,
    diff: `- ${token}\n+ other`,
    actual: token,
    expected: "other",
    cause: { name: "Error", message: token, stack: "" },
  };
  explainErrors([compared]);
  expect(JSON.stringify(compared)).not.toContain("9f81c0");
  expect(compared.diff).toBe(`- ${mask}\n+ other`);
});

test("a secret that a guest prints stands neither in its recordings nor in what is said of it, but can be waited for", async () => {
  const directory = mkdtempSync(join(tmpdir(), "dryboot-secret-test-"));
  try {
    const transport = scriptedTransport();
    const lines: string[] = [];
    const console = new Console(transport, { recordIn: directory });
    const output = new PassThrough();
    output.on("data", (chunk: Buffer) => lines.push(chunk.toString()));
    const left = attach(console, { input: new PassThrough(), output });
    for (const piece of `Kernel panic - not syncing: ${token}\r\nit is ${token}`.match(
      /[^]{1,3}/g,
    ) ?? []) {
      transport.emit(piece);
    }
    expect(console.transcript.tail().join("\n")).toMatch(/it is ••••$/);
    expect(console.alarms[0]?.line).toContain(`not syncing: ${mask}`);
    expect(console.failure?.message).toContain(mask);
    const soon = Deadline.after(100);
    expect(await console.expect(token, { deadline: soon })).toMatchObject({ text: token });

    transport.end();
    await left;
    const said = [
      ...readdirSync(directory).map((name) => readFileSync(join(directory, name), "utf8")),
      lines.join(""),
      inspect(console.failure),
    ];
    for (const text of said) {
      expect(text).toContain(mask);
      expect(text).not.toMatch(/9f8/);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("the content of a file that is uploaded as a secret is one", async () => {
  const directory = mkdtempSync(join(tmpdir(), "dryboot-secret-test-"));
  try {
    const [source, target] = [join(directory, "source"), join(directory, "target")];
    writeFileSync(source, "password = zq-from-a-file\n");
    await upload(hostRunner(), { source, target }, { secret: true });
    expect(readFileSync(target, "utf8")).toBe("password = zq-from-a-file\n");
    expect(withoutSecrets("got: password = zq-from-a-file")).toBe(`got: ${mask}`);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
