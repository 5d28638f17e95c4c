import {
  cpSync,
  existsSync,
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
import { init, type InitResult } from "../../../src/init/index.ts";

const repository = fileURLToPath(new URL("../../..", import.meta.url));
const nixpkgs = join(repository, "tests/fixtures/nixpkgs/new");

const machine = `{
  networking.hostName = "web";
  systemd.services.page = { wantedBy = [ "multi-user.target" ]; serviceConfig.ExecStart = "/bin/page"; };
  systemd.services.backup = { wantedBy = [ "multi-user.target" ]; serviceConfig.Type = "oneshot"; };
}`;

let cwd = "";

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "dryboot-test-"));
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

const read = (file: string): string => readFileSync(join(cwd, file), "utf8");

const smokeScript = (): unknown => JSON.parse(read("package.json")).scripts.smoke;

const initialise = (): Promise<InitResult> =>
  init({ cwd, nixpkgs, versions: { dryboot: "^1.0.0", vitest: "^4.1.0" } });

test("each machine gets a test of the services that its own files switch on", async () => {
  put("machines/web.nix", machine);
  const { machines, files, remarks } = await initialise();
  expect(machines).toEqual(["web"]);
  expect(files.map(({ path, action }) => `${action} ${path}`)).toEqual([
    "written package.json",
    "written vitest.config.ts",
    "written tests/machines/web.test.ts",
    "written .gitignore",
    "written .github/workflows/dryboot.yml",
  ]);
  expect(remarks).toEqual([]);
  const first = read("tests/machines/web.test.ts");
  expect(first).toContain('machines.shared("web")');
  expect(first).toContain('expect(machine.unit("page.service")).toBeActive()');
  expect(first).not.toContain("backup.service");
});

test("run again it changes nothing, and adds the test of a new machine", async () => {
  put("machines/web.nix", machine);
  await initialise();
  put("tests/machines/web.test.ts", "// mine\n");
  put("machines/db.nix", machine);
  const { files } = await initialise();
  expect(files.filter(({ action }) => action !== "kept")).toEqual([
    { path: "tests/machines/db.test.ts", action: "written" },
  ]);
  expect(read("tests/machines/web.test.ts")).toBe("// mine\n");
});

test("a module that is no machine by itself gets no test, and the reason is said", async () => {
  put("machines/web.nix", machine);
  put("machines/common.nix", "{ services.ngin.enable = true; }");
  const { remarks } = await initialise();
  expect(remarks).toHaveLength(1);
  expect(remarks[0]).toMatch(/^common: no test was written: .*services\.ngin/);
  expect(remarks[0]).toContain("npx dryboot checks common says more; then run init again");
  expect(existsSync(join(cwd, "tests/machines/common.test.ts"))).toBe(false);
});

test("machines in hosts/ are found, and dryboot is told where they are", async () => {
  put("hosts/web/configuration.nix", machine);
  await initialise();
  expect(JSON.parse(read("dryboot.config.json"))).toEqual({ machinesDirectory: "hosts" });
  expect(smokeScript()).toBe("dryboot smoke");
  expect(read("tests/machines/web.test.ts")).toContain('machines.shared("web")');
});

test("a lone configuration.nix is the machine", async () => {
  put("configuration.nix", machine);
  const { machines } = await initialise();
  expect(read(`tests/machines/${machines[0]}.test.ts`)).toContain(
    'machines.shared("./configuration.nix")',
  );
  expect(smokeScript()).toBe("dryboot smoke ./configuration.nix");
});

test("a flake's machines are taken from the flake, whose workflow needs no channel", async () => {
  cpSync(nixpkgs, cwd, { recursive: true });
  cpSync(join(repository, "pocket-nixpkgs/lib"), join(cwd, "lib"), { recursive: true });
  put(
    "flake.nix",
    `{ outputs = _: { nixosConfigurations.web = import ./nixos/lib/eval-config.nix {
      system = "x86_64-linux";
      modules = [ ./machines/web.nix ];
    }; }; }`,
  );
  put("machines/web.nix", machine);
  put("machines/common.nix", "{ }");
  const { machines, remarks } = await initialise();
  expect({ machines, remarks }).toEqual({ machines: ["web"], remarks: [] });
  expect(read("tests/machines/web.test.ts")).toContain('machines.shared(".#web")');
  expect(smokeScript()).toMatch(/^dryboot smoke '?\.#web'?$/);
  expect(read(".github/workflows/dryboot.yml")).not.toContain("nix_path");
});

test("another forge's repository gets no workflow for GitHub", async () => {
  put("machines/web.nix", machine);
  put(".gitlab-ci.yml", "");
  const { remarks } = await initialise();
  expect(remarks).toEqual([".gitlab-ci.yml is there: no workflow for GitHub was written"]);
  expect(existsSync(join(cwd, ".github"))).toBe(false);
});

test("an existing vitest configuration stays, and the way to join them is said", async () => {
  put("machines/web.nix", machine);
  put("vitest.config.mts", "export default {};\n");
  const { remarks } = await initialise();
  expect(read("vitest.config.mts")).toBe("export default {};\n");
  expect(remarks[0]).toMatch(/^vitest\.config\.mts: take defineConfig from "dryboot\/config"/);
});

test("an existing .gitignore stays, and what it lacks is said", async () => {
  put("machines/web.nix", machine);
  put(".gitignore", "/node_modules\n");
  const { files, remarks } = await initialise();
  expect(read(".gitignore")).toBe("/node_modules\n");
  expect(files).toContainEqual({ path: ".gitignore", action: "kept", detail: "was there" });
  expect(remarks).toEqual([
    expect.stringMatching(/^\.gitignore does not have \.vitest-attachments:/),
  ]);
});

test("a directory without a configuration is left as it was", async () => {
  put("README.md", "");
  await expect(initialise()).rejects.toMatchObject({ code: "MACHINE_NOT_FOUND", exitCode: 2 });
  expect(readdirSync(cwd)).toEqual(["README.md"]);
});
