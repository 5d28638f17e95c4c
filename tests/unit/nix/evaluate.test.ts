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
  services.nginx = {
    enable = true;
    defaultListen = [ { addr = "0.0.0.0"; port = 8080; } { addr = "[::1]"; ssl = true; } { addr = ""; port = 81; proxyProtocol = true; } { addr = "127.0.0.1"; port = 82; ssl = false; } ];
    virtualHosts.plain.listen = [ ];
    virtualHosts.secure = { listen = [ ]; onlySSL = true; sslCertificate = "/secure.pem"; };
    virtualHosts.own.listen = [ { addr = "*"; port = 90; } ];
  };
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
  const listens = manifest.virtualHosts.map(({ name, listens: all }) => [
    name,
    ...all.map(({ addr, port, ssl, behindProxy }) =>
      [addr, port, ssl ? "tls" : "", behindProxy ? "proxy" : ""].join(" ").trim(),
    ),
  ]);
  expect(listens).toEqual([
    ["own", "* 90"],
    ["plain", "0.0.0.0 8080", "81  proxy", "127.0.0.1 82"],
    ["secure", "0.0.0.0 8080 tls", "[::1] 443 tls", "81 tls proxy"],
  ]);
});

test("units that others ask for, and devices that they cannot run without, are in the manifest", async () => {
  put(
    "machines/web.nix",
    `{
      systemd.targets.multi-user.wants = [ "worker@one.service" "getty@tty1.service" "off@one.service" ];
      systemd.services."worker@" = { wantedBy = [ "other.target" ]; bindsTo = [ "dev-%i.device" "queue.service" ]; requires = [ "sys-%n.device" ]; };
      systemd.services."off@" = { };
      systemd.services."off@one".enable = false;
      systemd.units."off@one.service".enable = false;
      systemd.services.queue = { requires = [ "store.service" ]; unitConfig = { Wants = "a.service b.service"; Upholds = "c.service"; }; };
      systemd.services.c = { };
      systemd.services.store.unitConfig.Requisite = [ "dev-store.device" ];
      systemd.services.a = { };
      systemd.services.b.upheldBy = [ "up.target" ];
      systemd.targets.up.wantedBy = [ "multi-user.target" ];
      systemd.mounts = [ { what = "/dev/disk/by-label/x"; where = "/srv/my-data"; requiredBy = [ "up.target" ]; unitConfig = { }; } ];
    }`,
  );
  const { units } = (await evaluate("web")).manifest;
  const facts = units.map(({ name, wantedBy, requiredBy, devices }) => [
    name,
    { wantedBy, requiredBy, devices },
  ]);
  const none = { wantedBy: [], requiredBy: [], devices: [] };
  const store = "dev-store.device";
  expect(Object.fromEntries(facts)).toMatchObject({
    "worker@one.service": {
      wantedBy: ["multi-user.target"],
      requiredBy: [],
      devices: ["dev-one.device", store],
    },
    "queue.service": { ...none, devices: [store] },
    "store.service": { ...none, requiredBy: ["queue.service"], devices: [store] },
    "a.service": { ...none, wantedBy: ["queue.service"] },
    "c.service": { ...none, wantedBy: ["queue.service"] },
    "b.service": { ...none, wantedBy: ["up.target", "queue.service"] },
    "up.target": { ...none, wantedBy: ["multi-user.target"] },
    "srv-my\\x2ddata.mount": {
      wantedBy: [],
      requiredBy: ["up.target"],
      devices: ["dev-disk-by\\x2dlabel-x.device"],
    },
  });
  expect(units.some(({ name }) => /^(?:off|getty)@.+\.service$/.test(name))).toBe(false);
  const mount = units.find(({ type }) => type === "mount");
  expect(mount).toMatchObject({ source: "systemd.mounts", fromConfiguration: true });
});

test("a machine with fixed addresses has them on the guest's card, beside one by DHCP", async () => {
  put(
    "machines/web.nix",
    `{
      networking = {
        useDHCP = false;
        dhcpcd.enable = false;
        interfaces.enp1s0.ipv4.addresses = [ ${address(10)} ];
        interfaces.office.ipv4.addresses = [ ${address(11)} ];
        interfaces.eth0.ipv4.addresses = [ ${address(9)} ];
        interfaces.wg0.ipv4.addresses = [ ${address(12)} ];
        vlans.office.interface = "enp1s0";
        defaultGateway = { address = "192.0.2.1"; interface = "enp1s0"; };
      };
      systemd.services.bound = {
        wantedBy = [ "multi-user.target" ];
        bindsTo = [ "sys-subsystem-net-devices-enp1s0.device" "sys-subsystem-net-devices-wg0.device" ];
      };
      systemd.services.plugged = rec {
        wantedBy = [ "sys-subsystem-net-devices-enp2s0.device" ];
        bindsTo = wantedBy;
      };
    }`,
  );
  expect(await networkOverrides("web")).toEqual({
    "networking.interfaces.eth0.useDHCP": true,
    "networking.dhcpcd.enable": true,
    "networking.interfaces.eth0.ipv4.addresses": [
      { address: "192.0.2.9", prefixLength: 24 },
      { address: "192.0.2.10", prefixLength: 24 },
      { address: "192.0.2.11", prefixLength: 24 },
    ],
    "networking.defaultGateway": { address: "192.0.2.1", interface: "eth0" },
    "systemd.units.sys-subsystem-net-devices-enp1s0.device.text": "[Unit]\nJobTimeoutSec=1s\n",
  });
});

test("the guest's card has an address by DHCP, whoever gives the machine its own", async () => {
  const byDhcp = { "networking.interfaces.eth0.useDHCP": true };
  const byNetworkd = {
    "systemd.network.networks.00-eth0": {
      matchConfig: { Name: "eth0" },
      networkConfig: { DHCP: "yes" },
    },
  };
  const fixed = `interfaces.enp1s0.ipv4.addresses = [ ${address(10)} ];`;
  const cases = [
    ["interfaces.enp1s0.useDHCP = true;", {}],
    ["useDHCP = false; interfaces.enp1s0.useDHCP = true;", byDhcp],
    ["interfaces.eth0.useDHCP = false;", byDhcp],
    ["dhcpcd.enable = false;", { ...byDhcp, "networking.dhcpcd.enable": true }],
    [fixed, { ...byDhcp, "networking.interfaces.eth0.ipv4.addresses": expect.anything() }],
    [`useNetworkd = true; ${fixed}`, byNetworkd],
    [`networkmanager.enable = true; useDHCP = false; ${fixed}`, {}],
  ] as const;
  const found = await Promise.all(
    cases.map(([settings], index) => {
      put(`machines/m${index}.nix`, `{ networking = { ${settings} }; }`);
      return networkOverrides(`m${index}`);
    }),
  );
  expect(found).toEqual(cases.map(([, expected]) => expected));
});

const address = (last: number): string => `{ address = "192.0.2.${last}"; prefixLength = 24; }`;

/** What vm.nix changes of the network and of units, by options; without what it changes of every machine. */
async function networkOverrides(machine: string): Promise<Readonly<Record<string, unknown>>> {
  const { overrides } = (await evaluate(machine)).manifest;
  return Object.fromEntries(
    overrides
      .filter(({ option }) => /^(?:networking|systemd)\.(?!usePredictable)/.test(option))
      .map(({ option, value }) => [option, value]),
  );
}

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
    const values = Object.fromEntries(
      manifest.overrides.map(({ option, value }) => [option, value]),
    );
    expect(values).toMatchObject({
      "boot.initrd.secrets": {},
      "networking.usePredictableInterfaceNames": false,
      ...(storeImage && {
        "services.getty.autologinOnce": false,
        "virtualisation.sharedDirectories": {},
      }),
    });
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
