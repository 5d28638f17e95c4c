import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const source = fileURLToPath(new URL("../../src/", import.meta.url));

const leaves = [
  "clock",
  "errors",
  "deadline",
  "process-group",
  "nearest",
  "shell-quote",
  "host-boot",
  "cache-file",
  "hidden-text",
  "secret",
];

/** What each part of `src` may import at run time, itself apart. Types may cross. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(leaves.map((leaf) => [leaf, []])),
  deadline: ["clock"],
  errors: ["hidden-text"],
  secret: ["errors", "hidden-text", "shell-quote"],
  "cache-file": ["clock"],
  "process-group": ["errors", "deadline"],
  nix: [...leaves],
  qemu: [...leaves],
  console: [...leaves],
  guest: [...leaves, "console"],
  machine: [...leaves, "guest", "console", "qemu"],
  launch: [...leaves, "nix", "qemu", "machine"],
  host: [...leaves, "nix", "qemu"],
  checks: [...leaves, "guest", "machine", "launch"],
  config: [...leaves, "checks"],
  init: [...leaves, "nix"],
  report: [...leaves, "console", "checks"],
  vitest: [...leaves, "nix", "console", "machine", "launch", "host", "config", "report"],
  cli: [
    ...leaves,
    "nix",
    "qemu",
    "console",
    "machine",
    "launch",
    "host",
    "checks",
    "config",
    "init",
    "vitest",
    "report",
  ],
  index: [
    ...leaves,
    "nix",
    "qemu",
    "console",
    "guest",
    "machine",
    "launch",
    "host",
    "checks",
    "report",
  ],
};

/** Modules from outside that one place alone may import. */
const onlyIn: Readonly<Record<string, string>> = {
  "node-pty": "console/pty.ts",
  "tmp-promise": "qemu/",
  commander: "cli/",
};

const runtimeImport =
  /(?:^|;)\s*(?:import\s*|(?:import|export)\b(?!\s+type\b)[^;"']*?\bfrom\s*)["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/gm;

const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((file) =>
  file.endsWith(".ts"),
);

const importsOf = (file: string): string[] =>
  [...readFileSync(join(source, file), "utf8").matchAll(runtimeImport)].map(
    (match) => match[1] ?? match[2] ?? "",
  );

const partOf = (path: string): string => path.split("/")[0]?.replace(/\.ts$/, "") ?? "";

test("every import points downward", () => {
  const upward = files.flatMap((file) =>
    importsOf(file)
      .filter((specifier) => specifier.startsWith("."))
      .map((specifier) => normalize(join(dirname(file), specifier)))
      .filter((target) => {
        const from = partOf(file);
        return from !== partOf(target) && !mayImport[from]?.includes(partOf(target));
      })
      .map((target) => `${file} imports ${target}`),
  );
  expect(upward).toEqual([]);
});

test("every part of src stands in the table", () => {
  expect([...new Set(files.map(partOf))].filter((part) => !(part in mayImport))).toEqual([]);
});

test("a foreign module that stands behind an interface is imported in one place", () => {
  const elsewhere = files.flatMap((file) =>
    importsOf(file)
      .filter((specifier) => specifier in onlyIn && !file.startsWith(onlyIn[specifier] ?? ""))
      .map((specifier) => `${file} imports ${specifier}`),
  );
  expect(elsewhere).toEqual([]);
});

test("only the command line ends the process", () => {
  const ends = files.filter((file) =>
    /\bprocess\.exit\(/.test(readFileSync(join(source, file), "utf8")),
  );
  expect(ends.map((file) => relative(source, join(source, file)))).toEqual(["cli/main.ts"]);
});

test("only one place knows the pocket", () => {
  const knowing = files.filter((file) =>
    /pocket-nixpkgs/.test(readFileSync(join(source, file), "utf8")),
  );
  expect(knowing).toEqual(["nix/pocket.ts"]);
});
