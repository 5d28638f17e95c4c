import { chmod, mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { areListsFresh } from "../../../src/host/apt.ts";
import { parseDistribution } from "../../../src/host/distribution.ts";
import { missingRequirements } from "../../../src/host/requirements.ts";
import { canRun, examineHost } from "../../../src/host/index.ts";

afterEach(() => vi.unstubAllEnvs());

/** A directory that is alone on PATH. */
async function onlyOnPath(programs: Readonly<Record<string, string>>): Promise<AsyncDisposable> {
  const directory = await mkdtemp(join(tmpdir(), "dryboot-test-"));
  for (const [name, text] of Object.entries(programs)) {
    await writeFile(join(directory, name), `#!/bin/sh\n${text}\n`);
    await chmod(join(directory, name), 0o755);
  }
  vi.stubEnv("PATH", directory);
  return { [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
}

test("a host without Nix and QEMU lacks both, with the packages that bring them", async () => {
  await using _ = await onlyOnPath({});
  const missing = missingRequirements();
  expect(missing.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["Nix", "QEMU", "qemu-img"]),
  );
  expect(missing.flatMap(({ debianPackages }) => debianPackages)).toContain("qemu-system-x86");
});

test("a program that cannot be executed is missing", async () => {
  await using _ = await onlyOnPath({ "qemu-img": "exit 0" });
  const before = missingRequirements().map(({ name }) => name);
  expect(before).not.toContain("qemu-img");
  await chmod(join(process.env["PATH"] ?? "", "qemu-img"), 0o644);
  expect(missingRequirements().map(({ name }) => name)).toContain("qemu-img");
});

test("the doctor says what is missing and how to mend it, and that the host cannot run", async () => {
  await using _ = await onlyOnPath({});
  const findings = await examineHost({ cwd: "/", accelerator: "auto" });
  const nix = findings.find(({ name }) => name === "Nix");
  expect(nix).toMatchObject({
    status: "missing",
    detail: "Nix is missing: it evaluates and builds the machines",
  });
  expect(nix?.remedy).toMatch(/nix-bin|nixos\.org/);
  expect(canRun(findings)).toBe(false);
});

test.for([
  [
    'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"',
    "Debian GNU/Linux 12 (bookworm)",
    true,
  ],
  ["ID=linuxmint\nID_LIKE=\"ubuntu debian\"\nNAME='Linux Mint'", "Linux Mint", true],
  ["ID=fedora\nNAME=Fedora", "Fedora", false],
  ["", "an unknown system", false],
] as const)("%j is %j", ([osRelease, name, isDebianLike]) => {
  expect(parseDistribution(osRelease, true)).toEqual({ name, isDebianLike });
});

test("a Debian without apt installs nothing", () => {
  expect(parseDistribution("ID=debian", false).isDebianLike).toBe(false);
});

test("package lists are fresh for a week, and never where there are none", async () => {
  const directory = await mkdtemp(join(tmpdir(), "dryboot-test-"));
  expect(areListsFresh(directory)).toBe(false);
  await mkdir(join(directory, "partial"));
  const list = join(directory, "deb.example_dists_stable_main_binary-amd64_Packages.lz4");
  await writeFile(list, "");
  // The mirror's own date of the file says nothing about when it was fetched.
  await utimes(list, new Date(0), new Date(0));
  expect(areListsFresh(directory)).toBe(true);
  expect(areListsFresh(directory, Date.now() + 8 * 24 * 3600 * 1000)).toBe(false);
  await rm(directory, { recursive: true });
  expect(areListsFresh(directory)).toBe(false);
});
