import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DrybootError, InterruptedError } from "../errors.ts";
import { quoteWords } from "../shell-quote.ts";
import {
  evaluateMachine,
  listMachines,
  type EvaluatedMachine,
  type NixOptions,
} from "../nix/index.ts";
import { firstTest } from "./first-test.ts";
import { completePackage } from "./package-json.ts";
import { surveyRepository, type FoundMachine, type Survey } from "./survey.ts";
import { workflow } from "./workflow.ts";

export interface InitOptions extends NixOptions {
  /** Ranges of the packages that tests need. */
  readonly versions: Readonly<Record<string, string>>;
}

/** One file of the repository, and what became of it. */
export interface InitFile {
  readonly path: string;
  readonly action: "written" | "amended" | "kept";
  /** Why it was kept, or what was added. */
  readonly detail?: string;
}

export interface InitResult {
  readonly machines: readonly string[];
  readonly files: readonly InitFile[];
  /** What the user should know: a machine without a test, a file to change by hand. */
  readonly remarks: readonly string[];
  /** The npm script that runs the tests. */
  readonly testScript: string;
}

/** `<nixpkgs>` of a workflow in a repository without a flake, unless the user says otherwise. */
const defaultChannel = "channel:nixos-unstable";

const viteConfigs = ["vitest.config", "vite.config"].flatMap((name) =>
  ["ts", "mts", "js", "mjs", "cts", "cjs"].map((extension) => `${name}.${extension}`),
);

const otherForges = [".gitlab-ci.yml", ".woodpecker.yml", ".woodpecker", ".forgejo", ".gitea"];

/**
 * Puts dryboot into a configuration repository. What exists stays as it is: files are only added, and of `package.json`
 * only what it lacks; so it can be run again when there is a new machine.
 * @throws {UsageError} `MACHINE_NOT_FOUND` where there is no configuration
 */
export async function init(options: InitOptions): Promise<InitResult> {
  const { cwd, versions } = options;
  const survey = await surveyRepository(options);
  const { machines, machinesDirectory } = survey;
  const remarks: string[] = [];
  const files: InitFile[] = [];
  const add = async (path: string, text: string): Promise<void> => {
    files.push(await addFile(cwd, path, text));
  };

  const packagePath = join(cwd, "package.json");
  const existing = existsSync(packagePath) ? await readFile(packagePath, "utf8") : undefined;
  // Evaluated before the first file is written: whoever interrupts that finds the repository as it was.
  const tests: PlannedTest[] = [];
  for (const machine of machines) tests.push(await planTest(machine, options));

  const name = basename(cwd)
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, "-")
    .replace(/^[._-]+/, "");
  const change = completePackage(existing, {
    name: name || "machines",
    versions,
    smoke: await smokeScript(survey, options),
  });
  if (change.added.length > 0) await writeFile(packagePath, change.text);
  files.push(packageFile(existing !== undefined, change.added));

  const config = viteConfigs.find((candidate) => existsSync(join(cwd, candidate)));
  if (config === undefined) {
    // Where package.json does not say that files are ES modules, their name has to.
    await add(change.isModule ? "vitest.config.ts" : "vitest.config.mts", vitestConfig);
  } else {
    files.push({ path: config, action: "kept" });
    if (!(await readFile(join(cwd, config), "utf8")).includes("dryboot/config"))
      remarks.push(
        `${config}: take defineConfig from "dryboot/config"; it sets time limits and the number of guests`,
      );
  }
  if (machinesDirectory !== undefined)
    await add("dryboot.config.json", `${JSON.stringify({ machinesDirectory }, undefined, 2)}\n`);
  for (const test of tests) {
    if (test.text === undefined) remarks.push(test.remark);
    else await add(test.path, test.text);
  }
  await add(".gitignore", "node_modules/\n.vitest-attachments/\n");
  const forge = otherForges.find((candidate) => existsSync(join(cwd, candidate)));
  if (forge === undefined) {
    const isFlake = machines.some(({ source }) => source.kind === "flake");
    const text = workflow({
      testScript: change.testScript,
      ...(isFlake ? {} : { nixpkgs: defaultChannel }),
    });
    await add(".github/workflows/dryboot.yml", text);
  } else remarks.push(`${forge} is there: no workflow for GitHub was written`);

  return {
    machines: machines.map(({ source }) => source.name),
    files,
    remarks,
    testScript: change.testScript,
  };
}

/** Names the machines where `dryboot smoke` alone would take none, or others than the tests do. */
async function smokeScript(
  { machines, machinesDirectory }: Survey,
  options: NixOptions,
): Promise<string> {
  const sources = machinesDirectory === undefined ? await listMachines(options) : undefined;
  const kind = machines[0]?.source.kind;
  if (sources === undefined || sources[0]?.kind === kind) return "dryboot smoke";
  return `dryboot smoke ${quoteWords(machines.map(({ reference }) => reference))}`;
}

const vitestConfig = `import { defineConfig } from "dryboot/config";

export default defineConfig();
`;

type PlannedTest =
  | { readonly path: string; readonly text: string }
  | { readonly text?: undefined; readonly remark: string };

/** A file that does not evaluate by itself is a part of machines, or has a fault to be seen now. */
async function planTest(
  { source, reference }: FoundMachine,
  options: InitOptions,
): Promise<PlannedTest> {
  const path = join("tests", "machines", `${source.name}.test.ts`);
  try {
    const { manifest }: EvaluatedMachine = await evaluateMachine(source, options);
    return { path, text: firstTest(reference, manifest) };
  } catch (error) {
    if (!(error instanceof DrybootError) || error instanceof InterruptedError) throw error;
    // Without Nix nothing can be said of any machine; its test waits for a host that has it.
    if (error.code === "NIX_MISSING" || error.code === "NIXPKGS_MISSING")
      return { path, text: firstTest(reference) };
    const why = error.message.replace(`${source.name}: `, "");
    const more = quoteWords(["npx", "dryboot", "checks", reference]);
    return {
      remark: `${source.name}: no test was written: ${why}. ${more} says more; then run init again`,
    };
  }
}

async function addFile(cwd: string, path: string, text: string): Promise<InitFile> {
  const target = join(cwd, path);
  await mkdir(dirname(target), { recursive: true });
  try {
    await writeFile(target, text, { flag: "wx" });
    return { path, action: "written" };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return { path, action: "kept", detail: "was there" };
  }
}

function packageFile(existed: boolean, added: readonly string[]): InitFile {
  const path = "package.json";
  if (!existed) return { path, action: "written" };
  if (added.length === 0) return { path, action: "kept", detail: "lacked nothing" };
  return { path, action: "amended", detail: `added ${added.join(", ")}` };
}
