import { basename, join } from "node:path";
import { DrybootError, InterruptedError } from "../errors.ts";
import { quoteWords } from "../shell-quote.ts";
import {
  evaluateMachine,
  listMachines,
  type EvaluatedMachine,
  type NixOptions,
} from "../nix/index.ts";
import { firstTest } from "./first-test.ts";
import { completePackage, type PackageChange } from "./package-json.ts";
import { openRepository, type InitFile, type Repository } from "./repository.ts";
import { surveyRepository, type FoundMachine, type Survey } from "./survey.ts";
import { workflow } from "./workflow.ts";

export interface InitOptions extends NixOptions {
  /** Ranges of the packages that tests need. */
  readonly versions: Readonly<Record<string, string>>;
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
  const survey = await surveyRepository(options);
  const { machines, machinesDirectory } = survey;
  // Evaluated before the first file is written: whoever interrupts that finds the repository as it was.
  const tests: PlannedTest[] = [];
  for (const machine of machines) tests.push(await planTest(machine, options));
  const repository = openRepository(options.cwd);
  const { isModule, testScript } = await addToPackage(repository, survey, options);
  await addVitestConfig(repository, isModule);
  if (machinesDirectory !== undefined) {
    const text = `${JSON.stringify({ machinesDirectory }, undefined, 2)}\n`;
    await repository.add("dryboot.config.json", text);
  }
  for (const test of tests) {
    if (test.text === undefined) repository.remark(test.remark);
    else await repository.add(test.path, test.text);
  }
  await addGitignore(repository);
  await addWorkflow(repository, survey, testScript);
  const { files, remarks } = repository;
  return { machines: machines.map(({ source }) => source.name), files, remarks, testScript };
}

async function addToPackage(
  repository: Repository,
  survey: Survey,
  options: InitOptions,
): Promise<PackageChange> {
  const path = "package.json";
  const existing = await repository.read(path);
  const change = completePackage(existing, {
    name: packageName(options.cwd),
    versions: options.versions,
    smoke: await smokeScript(survey, options),
  });
  const { added, text } = change;
  if (existing === undefined) await repository.add(path, text);
  else if (added.length === 0) repository.keep(path, "lacked nothing");
  else await repository.amend(path, text, `added ${added.join(", ")}`);
  return change;
}

function packageName(directory: string): string {
  const name = basename(directory)
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, "-")
    .replace(/^[._-]+/, "");
  return name || "machines";
}

async function addVitestConfig(repository: Repository, isModule: boolean): Promise<void> {
  const config = viteConfigs.find((name) => repository.has(name));
  // Where package.json does not say that files are ES modules, their name has to.
  if (config === undefined)
    return repository.add(isModule ? "vitest.config.ts" : "vitest.config.mts", vitestConfig);
  repository.keep(config);
  if ((await repository.read(config))?.includes("dryboot/config") !== true)
    repository.remark(
      `${config}: take defineConfig from "dryboot/config"; it sets time limits and the number of guests`,
    );
}

/** What `npm install` makes, and what failed tests leave. */
const ignored = ["node_modules", ".vitest-attachments"];

async function addGitignore(repository: Repository): Promise<void> {
  const path = ".gitignore";
  const existing = await repository.read(path);
  if (existing === undefined)
    return repository.add(path, ignored.map((name) => `${name}/\n`).join(""));
  repository.keep(path, "was there");
  const lines = new Set(existing.split("\n").map((line) => line.trim().replaceAll(/^\/|\/$/g, "")));
  const missing = ignored.filter((name) => !lines.has(name));
  if (missing.length > 0)
    repository.remark(
      `${path} does not have ${missing.join(" and ")}: what npm and failed tests leave there would be committed`,
    );
}

async function addWorkflow(
  repository: Repository,
  { machines }: Survey,
  testScript: string,
): Promise<void> {
  const forge = otherForges.find((name) => repository.has(name));
  if (forge !== undefined)
    return repository.remark(`${forge} is there: no workflow for GitHub was written`);
  const isFlake = machines.some(({ source }) => source.kind === "flake");
  const text = workflow({ testScript, ...(isFlake ? {} : { nixpkgs: defaultChannel }) });
  await repository.add(".github/workflows/dryboot.yml", text);
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
