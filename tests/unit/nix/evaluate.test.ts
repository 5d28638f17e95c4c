import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  buildSystem,
  buildVm,
  evaluateMachine,
  findMachine,
  type EvaluatedMachine,
  type NixOptions,
} from "../../../src/nix/index.ts";

const repository = fileURLToPath(new URL("../../..", import.meta.url));
const nixpkgs = (era: "new" | "old"): string => join(repository, "tests/fixtures/nixpkgs", era);

let cwd = "";

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "dryboot-test-"));
  // The fixture's builders are the host's own shell, and nothing of it lies in a binary cache.
  vi.stubEnv("NIX_CONFIG", "sandbox = false\nsubstitute = false");
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(cwd, { recursive: true });
});

function put(file: string, text: string): void {
  mkdirSync(join(cwd, dirname(file)), { recursive: true });
  writeFileSync(join(cwd, file), text);
}

async function evaluate(
  reference: string | undefined,
  options: Partial<NixOptions> = {},
): Promise<EvaluatedMachine> {
  const all = { cwd, nixpkgs: nixpkgs("new"), ...options };
  return evaluateMachine(await findMachine(reference, all), all);
}

const web = `{
  networking.hostName = "web";
  networking.firewall.allowedTCPPorts = [ 80 ];
  services.nginx.enable = true;
  boot.resumeDevice = "/dev/sda2";
  systemd.services.backup = { serviceConfig.Type = "oneshot"; unitConfig.ConditionPathExists = "/srv"; };
  systemd.timers.backup.wantedBy = [ "timers.target" ];
}`;

test("a machine is evaluated once and its vm built into a run script", async () => {
  put("machines/web.nix", web);
  const options = { cwd, nixpkgs: nixpkgs("new"), memoryMiB: 2048, cores: 3 };
  const built = await buildVm(await evaluate("web", options), options);
  expect(built.runScript).toBe(`${built.vm}/bin/run-web-vm`);
  expect(readFileSync(built.runScript, "utf8")).toContain("-m 2048 -smp 3");
  expect(readFileSync(built.vmSystem, "utf8").trim()).toBe("/bin/bash");
});

test("the overrides reach the vm and never the system", async () => {
  put("machines/web.nix", web);
  const evaluated = await evaluate("web");
  const system = await buildSystem(evaluated, { cwd });
  expect(system).toBe(evaluated.system);
  expect(readFileSync(system, "utf8").trim()).toBe("/bin/zsh 1");
});

test("the manifest says which units the machine asks for, and where", async () => {
  put("machines/web.nix", web);
  const { manifest } = await evaluate("web");
  expect(manifest).toMatchObject({
    hostName: "web",
    openPorts: [{ protocol: "tcp", from: 80, to: 80, fromConfiguration: true }],
    firewallEnabled: true,
  });
  const unit = (name: string): unknown =>
    manifest.units.find((candidate) => candidate.name === name);
  const file = join(cwd, "machines/web.nix");
  expect(unit("nginx.service")).toMatchObject({
    source: "services.nginx",
    file,
    fromConfiguration: true,
    wantedBy: ["multi-user.target"],
  });
  expect(unit("backup.service")).toMatchObject({
    source: "systemd.services.backup",
    file,
    type: "oneshot",
    hasConditions: true,
    startedByTimer: true,
    fromConfiguration: true,
  });
  expect(unit("journald.service")).toMatchObject({ fromConfiguration: false, restart: "always" });
});

test.for([
  ["old", "services.mingetty.autologinUser", false],
  ["new", "services.getty.autologinUser", true],
] as const)(
  "overrides are set only where their option exists (%s)",
  async ([era, getty, storeImage]) => {
    put("machines/web.nix", web);
    const { manifest } = await evaluate("web", { nixpkgs: nixpkgs(era) });
    const options = manifest.overrides.map(({ option }) => option);
    expect(manifest.overrides).toContainEqual(
      expect.objectContaining({ option: getty, value: "root" }),
    );
    expect(options).toContain("boot.resumeDevice");
    expect(options.includes("virtualisation.useNixStoreImage")).toBe(storeImage);
  },
);

test("a masked serial console is opened in the vm", async () => {
  put("web.nix", `{ systemd.services."serial-getty@ttyS0".enable = false; }`);
  const { manifest } = await evaluate("./web.nix");
  expect(manifest.overrides).toContainEqual(
    expect.objectContaining({ option: "systemd.services.serial-getty@ttyS0" }),
  );
});

test("a machine's own vm module goes before the soft overrides", async () => {
  put("machines/web.nix", web);
  put("machines/web/vm.nix", `{ virtualisation.memorySize = 3000; }`);
  const built = await buildVm(await evaluate("web"), { cwd });
  expect(readFileSync(built.runScript, "utf8")).toContain("-m 3000");
});

test("a module for this once, as text or as a file, changes the vm and not the system", async () => {
  put("machines/web.nix", web);
  put("big.nix", `{ virtualisation.memorySize = 5000; }`);
  const plain = await evaluate("web");
  const text = await evaluate("web", { overrides: "{ virtualisation.memorySize = 5000; }" });
  const file = await evaluate("web", { overrides: "./big.nix" });
  expect(text.vmDerivation).not.toBe(plain.vmDerivation);
  expect(file.vmDerivation).toBe(text.vmDerivation);
  expect(text.system).toBe(plain.system);
});

test("names with blanks, quotes and dollars reach Nix as they are", async () => {
  // oxlint-disable-next-line no-template-curly-in-string
  const name = 'it\'s ${builtins.abort "no"} "a" web';
  put(`machines/${name}.nix`, web);
  expect((await evaluate(name)).hostName).toBe("web");
});

test("an expression is a machine", async () => {
  const expression = `{ lib, ... }: { networking.hostName = lib.toLower "INLINE"; }`;
  expect((await evaluate(undefined, { expression })).hostName).toBe("inline");
});

test("a machine may use <nixpkgs> and <nixos-config>, and mean the same ones", async () => {
  put(
    "web.nix",
    `{ imports = [ (if <nixos-config> == ./web.nix then { networking.hostName = builtins.baseNameOf <nixpkgs>; } else { }) ]; }`,
  );
  expect((await evaluate("./web.nix")).hostName).toBe("new");
});

test("a failing evaluation names machine, option and file", async () => {
  put("machines/web.nix", "{ services.ngnix.enable = true; }");
  await expect(evaluate("web")).rejects.toMatchObject({
    code: "NIX_EVALUATION",
    message: expect.stringMatching(
      /^web: the option `services\.ngnix' .*does not exist.*machines\/web\.nix/,
    ),
    hint: expect.stringMatching(/^Repeat it by hand: nix-build .*vm\.nix -A vm --argstr machine /),
  });
});

test("a failing build shows what its builder said", async () => {
  put(
    "machines/web.nix",
    `{ system.build.toplevel = derivation { name = "bad"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo this is why; exit 7" ]; }; }`,
  );
  const evaluated = await evaluate("web");
  await expect(buildVm(evaluated, { cwd })).rejects.toMatchObject({
    code: "NIX_BUILD",
    message: "web: building bad failed with exit code 7",
    details: ["this is why"],
  });
});

test("an abort ends Nix and what it builds", async () => {
  const marker = `sleep-${process.pid}`;
  put(
    "machines/web.nix",
    `{ system.build.toplevel = derivation { name = "${marker}"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "PATH=/bin:/usr/bin; sleep 600" ]; }; }`,
  );
  const evaluated = await evaluate("web");
  const abort = new AbortController();
  const onProgress = ({ detail }: { readonly detail?: string }): void => {
    if (detail === marker) abort.abort();
  };
  const building = buildVm(evaluated, { cwd, onProgress, signal: abort.signal });
  await expect(building).rejects.toMatchObject({ code: "INTERRUPTED" });
  expect(processesWith(`name=${marker}`)).toEqual([]);
});

test("a flake's machine is evaluated as the flake is, purely", async () => {
  cpSync(nixpkgs("new"), cwd, { recursive: true });
  cpSync(join(repository, "pocket-nixpkgs/lib"), join(cwd, "lib"), { recursive: true });
  put(
    "flake.nix",
    `{ outputs = _: { nixosConfigurations = builtins.mapAttrs (hostName: _: import ./nixos/lib/eval-config.nix {
      system = "x86_64-linux";
      modules = [ { networking = { inherit hostName; }; } ];
    }) { web = 1; "db.example.org" = 1; }; }; }`,
  );
  const evaluated = await evaluate(`path:${cwd}#"db.example.org"`);
  expect(evaluated).toMatchObject({ hostName: "db.example.org", nixpkgs: { origin: "flake" } });
  const overrides = "{ virtualisation.memorySize = 5000; } # big";
  const other = await evaluate(`path:${cwd}#"db.example.org"`, { overrides });
  expect(other.vmDerivation).not.toBe(evaluated.vmDerivation);
  const odd = '{ networking.hostName = builtins.substring 0 2 "a${"b"}\\\\\\""; }';
  await expect(evaluate(`path:${cwd}#web`, { overrides: odd })).resolves.toMatchObject({
    hostName: "web",
  });
  await expect(
    evaluate(`path:${cwd}#web`, { overrides: "{ }); memorySize = 7; other = ({ }" }),
  ).rejects.toMatchObject({ message: expect.stringContaining("syntax error") });
  await expect(evaluate(`path:${cwd}#wbe`)).rejects.toMatchObject({
    code: "MACHINE_NOT_FOUND",
    message: expect.stringContaining("did you mean web?"),
  });
});

/** Processes with this entry in their environment, as a builder has its derivation's name. */
function processesWith(entry: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(entry);
      } catch {
        return false;
      }
    });
}
