import { UsageError } from "../errors.ts";

export interface PackageChange {
  readonly text: string;
  /** What was added, as a reader would name it: `scripts.test`. Empty: nothing was missing. */
  readonly added: readonly string[];
  /** Whether the repository's `.ts` files are ES modules by default. */
  readonly isModule: boolean;
  /** The npm script that runs the tests: `test`, or another name where that one was taken. */
  readonly testScript: string;
}

type Section = Readonly<Record<string, string>>;
type Package = Record<string, unknown> & {
  scripts?: Section;
  dependencies?: Section;
  devDependencies?: Section;
};

const indentation = 2;

/** What `npm init` writes in place of a test script. */
const placeholder = /no test specified/;

/**
 * A `package.json` with what dryboot needs; of an existing one nothing is taken away or replaced.
 * @param existing its text, undefined where there is none
 * @param versions ranges of dryboot and vitest
 * @param smoke the script that checks every machine here
 * @throws {UsageError} `CONFIG_INVALID` where the existing text is not a JSON object
 */
export function completePackage(
  existing: string | undefined,
  {
    name,
    versions,
    smoke = "dryboot smoke",
  }: { readonly name: string; readonly versions: Section; readonly smoke?: string },
): PackageChange {
  const before: Package =
    existing === undefined ? { name, private: true, type: "module" } : parse(existing);
  const after: Package = { ...before };
  const added: string[] = [];
  const add = (section: "scripts" | "devDependencies", key: string, value: string): void => {
    after[section] = { ...after[section], [key]: value };
    added.push(`${section}.${key}`);
  };

  const test = before.scripts?.["test"];
  const testScript =
    test === undefined || placeholder.test(test) || runsVitest(test) ? "test" : "test:machines";
  if (!runsVitest(before.scripts?.[testScript])) add("scripts", testScript, "vitest run");
  if (before.scripts?.["smoke"] === undefined) add("scripts", "smoke", smoke);
  for (const [dependency, range] of Object.entries(versions)) {
    const known = { ...before.dependencies, ...before.devDependencies };
    if (known[dependency] === undefined) add("devDependencies", dependency, range);
  }
  return {
    text: added.length === 0 && existing !== undefined ? existing : print(after, existing),
    added,
    isModule: before["type"] === "module",
    testScript,
  };
}

function runsVitest(script: string | undefined): boolean {
  return script !== undefined && /\b(?:vitest|dryboot test)\b/.test(script);
}

function parse(text: string): Package {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return value as Package;
  } catch (error) {
    throw new UsageError("package.json is not valid JSON", {
      code: "CONFIG_INVALID",
      cause: error,
    });
  }
  throw new UsageError("package.json does not hold an object", { code: "CONFIG_INVALID" });
}

/** Indented as it was. */
function print(content: Package, existing: string | undefined): string {
  const indent = /^([ \t]+)"/m.exec(existing ?? "")?.[1] ?? indentation;
  return `${JSON.stringify(content, undefined, indent)}\n`;
}
