// The commands that read a configuration and boot nothing, on a nixpkgs that evaluates in a moment.
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { runCli } from "../../fixtures/captured-io.ts";

const nixpkgs = fileURLToPath(new URL("../../fixtures/nixpkgs/new", import.meta.url));
let project: string;

// The first one loads all that the commands need.
vi.setConfig({ testTimeout: 30_000 });

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), "dryboot-test-"));
  await mkdir(join(project, "machines"));
  await writeFile(
    join(project, "machines/web.nix"),
    `{
      networking.hostName = "web";
      networking.firewall.allowedTCPPorts = [ 80 ];
      services.nginx.enable = true;
      systemd.services.greeter.wantedBy = [ "multi-user.target" ];
      fileSystems."/scratch" = { device = "tmpfs"; fsType = "tmpfs"; options = [ "nodev" ]; };
      boot.kernel.sysctl."vm.swappiness" = 7;
    }`,
  );
});

afterAll(() => rm(project, { recursive: true }));

async function dryboot(argv: readonly string[], config?: object) {
  const file = join(project, "dryboot.config.json");
  await (config === undefined
    ? rm(file, { force: true })
    : writeFile(file, JSON.stringify(config)));
  return runCli([...argv, "--nixpkgs", nixpkgs], { cwd: project, environment: { HOME: project } });
}

const waiver = { check: "unit-active", reason: "not yet", until: "2999-12-31" };

test("checks lists what would be checked, with option and file, and boots nothing", async () => {
  const { exitCode, stdout } = await dryboot(["checks", "web"]);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^unit-active +nginx\.service +services\.nginx in machines\/web\.nix$/m);
  expect(stdout).toMatch(/^unit-active +greeter\.service +systemd\.services\.greeter in machines/m);
  expect(stdout).toMatch(/^port-open +tcp port 80 +networking\.firewall\.allowedTCPPorts in /m);
  expect(stdout).toMatch(/^file-system +\/scratch +fileSystems\."\/scratch" in machines/m);
  expect(stdout).toMatch(/^sysctl +vm\.swappiness +boot\.kernel\.sysctl\."vm\.swappiness" in /m);
  expect(stdout).toMatch(/\d+ checks/);
});

test("checks --json is one object", async () => {
  const { stdout } = await dryboot(["checks", "web", "--json"]);
  const { machine, checks } = JSON.parse(stdout);
  expect(machine).toBe("web");
  expect(checks).toContainEqual({
    name: "unit-active",
    subject: "nginx.service",
    asserts: "is active",
    source: "services.nginx",
    file: join(project, "machines/web.nix"),
    builtIn: false,
  });
});

test("the configuration file switches checks off and shows what is waived", async () => {
  const { stdout } = await dryboot(["checks", "web"], {
    checks: { off: ["second-activation"], closureMiB: 900 },
    machines: { web: { checks: { waive: [{ ...waiver, subject: "greeter.service" }] } } },
  });
  expect(stdout).not.toContain("second-activation");
  expect(stdout).toContain("closure-size");
  expect(stdout.replaceAll(/\s+/g, " ")).toContain("(waived until 2999-12-31: not yet)");
});

test.for([
  {
    fact: "an unknown check",
    checks: { off: ["unit-activ"] },
    says: /«checks\.off\.0» must be the name of a check \(did you mean "unit-active"\?\)/,
  },
  {
    fact: "a waiver of an unknown check",
    checks: { waive: [{ ...waiver, check: "sysctls" }] },
    says: /«checks\.waive\.0\.check» must be the name of a check \(did you mean "sysctl"\?\)/,
  },
  {
    fact: "a waiver without a reason",
    checks: { waive: [{ check: "sysctl", until: "2999-12-31" }] },
    says: /«checks\.waive\.0\.reason» must be given: a waiver has check, reason and until/,
  },
  {
    fact: "a day that no calendar has",
    checks: { waive: [{ ...waiver, until: "2027-02-30" }] },
    says: /«checks\.waive\.0\.until» must be a day such as 2027-01-31/,
  },
])("$fact in the configuration file ends with 2", async ({ checks, says }) => {
  const { exitCode, stderr } = await dryboot(["checks", "web"], { checks });
  expect(stderr).toMatch(says);
  expect(exitCode).toBe(2);
});

test.for(["checks", "smoke"])(
  "%s ends with 2 where a waiver names what the machine has not, before anything is built",
  async (command) => {
    const waive = [{ ...waiver, subject: "gretter.service" }];
    const { exitCode, stdout, stderr } = await dryboot([command, "web"], {
      machines: { web: { checks: { waive } } },
    });
    expect(stderr).toContain(
      "a waiver is for unit-active of «gretter.service», which web has not; did you mean «greeter.service»?",
    );
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  },
);

test("diff shows what the vm has otherwise, why, and what that leaves untested", async () => {
  const { exitCode, stdout } = await dryboot(["diff", "web"]);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/boot loader\n(?:.*\n)*? +untested: the boot loader/);
  expect(stdout).toMatch(
    /^ {2}services\.timesyncd\.enable +true → false +the guest takes its time/m,
  );
  const json = await dryboot(["diff", "web", "--json"]);
  const { groups, overrides } = JSON.parse(json.stdout);
  expect(groups.map(({ group }: { readonly group: string }) => group)).toContain("users");
  expect(overrides).toContainEqual(
    expect.objectContaining({
      option: "services.timesyncd.enable",
      system: "true",
      value: "false",
    }),
  );
});

test("a run's result goes into JUnit's file and into the list", async () => {
  await writeFile(join(project, "machines/broken.nix"), "{ networking.hostNme = 1; }");
  const { exitCode } = await dryboot(["smoke", "broken", "--junit", "results.xml"]);
  expect(exitCode).toBe(3);
  const xml = await readFile(join(project, "results.xml"), "utf8");
  expect(xml).toMatch(/<testsuite name="broken" tests="1" failures="0" errors="1"/);
  expect(xml).toMatch(/<error type="NIX_EVALUATION" message="broken: .*hostNme/);
  const { stdout } = await dryboot(["list"]);
  expect(stdout).toMatch(
    /^broken +machines\/broken\.nix +not tested \d{4}-\d\d-\d\d \d\d:\d\d UTC$/m,
  );
});

test("a JUnit file that cannot be written ends with 2", async () => {
  const { exitCode, stderr } = await dryboot(["smoke", "broken", "--junit", "no/such/results.xml"]);
  expect(stderr).toContain("the results cannot be written");
  expect(exitCode).toBe(2);
});

test("checks says that a waiver's last day is over", async () => {
  const config = { checks: { waive: [{ ...waiver, until: "2001-12-31" }] } };
  const { stdout } = await dryboot(["checks", "web"], config);
  expect(stdout).toContain("(waiver ended 2001-12-31 and fails");
  const json = await dryboot(["checks", "web", "--json"], config);
  expect(json.stdout).toContain('"expired":true');
});

test("list names the directory that the configuration file gives", async () => {
  const { stderr } = await dryboot(["list"], { machinesDirectory: "hosts" });
  expect(stderr).toContain("put a configuration into hosts/NAME.nix");
});
