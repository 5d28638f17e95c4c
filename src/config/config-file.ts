import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import * as v from "valibot";
import { UsageError } from "../errors.ts";
import { checkSettings, type CheckSettings } from "./check-settings.ts";

/** What one guest may take, and what is checked of it. */
interface OfMachine {
  /** MiB of memory. */
  readonly memory?: number;
  /** Virtual processors. */
  readonly cores?: number;
  /** Seconds that a boot may take, and again its services to settle. */
  readonly timeout?: number;
  /** Whether its tests boot it at each start, and never restore a checkpoint. */
  readonly cold?: boolean;
  readonly checks?: CheckSettings;
}

/** What `dryboot.config.{js,mjs,json}` may say. */
export interface ConfigFile extends OfMachine {
  /** A path that starts at the configuration file, a URL or `channel:NAME`. */
  readonly nixpkgs?: string;
  /** @default "machines" */
  readonly machinesDirectory?: string;
  readonly accel?: "auto" | "kvm" | "tcg";
  /** Settings of single machines, by name. */
  readonly machines?: Readonly<Record<string, OfMachine>>;
}

// What each message completes: «memory» must be …
const positiveInteger = v.pipe(
  v.number("a number"),
  v.integer("a whole number"),
  v.minValue(1, "at least 1"),
);
const text = v.string("a string");

const ofMachine = {
  memory: v.exactOptional(positiveInteger),
  cores: v.exactOptional(positiveInteger),
  timeout: v.exactOptional(positiveInteger),
  cold: v.exactOptional(v.boolean("true or false")),
  checks: v.exactOptional(checkSettings),
};

const settings = {
  nixpkgs: v.exactOptional(text),
  machinesDirectory: v.exactOptional(text),
  accel: v.exactOptional(v.picklist(["auto", "kvm", "tcg"], "auto, kvm or tcg")),
  ...ofMachine,
  machines: v.exactOptional(
    v.record(v.string(), v.strictObject(ofMachine, "an object"), "an object"),
  ),
};

const schema: v.GenericSchema<unknown, ConfigFile> = v.strictObject(settings, "an object");

const names = ["dryboot.config.js", "dryboot.config.mjs", "dryboot.config.json"];

/**
 * The configuration file of a directory, or an empty configuration.
 * @throws {UsageError} `CONFIG_INVALID`
 */
export async function readConfigFile(directory: string): Promise<ConfigFile> {
  const name = names.find((candidate) => existsSync(join(directory, candidate)));
  if (name === undefined) return {};
  const result = v.safeParse(schema, await load(join(directory, name), name));
  if (result.success) return result.output;
  const complaints = result.issues.map((issue) => {
    const path = v.getDotPath(issue);
    return issue.expected === "never"
      ? `there is no setting «${path}»`
      : `${path === null ? "it" : `«${path}»`} must be ${issue.message}, not ${issue.received}`;
  });
  throw new UsageError(`${name}: ${complaints[0] ?? "is not valid"}`, {
    code: "CONFIG_INVALID",
    details: complaints.slice(1),
    hint: `Settings: ${Object.keys(settings).join(", ")}`,
  });
}

async function load(path: string, name: string): Promise<unknown> {
  try {
    if (name.endsWith(".json")) return JSON.parse(await readFile(path, "utf8"));
    const module: { readonly default?: unknown } = await import(pathToFileURL(path).href);
    if (module.default !== undefined) return module.default;
  } catch (error) {
    const why = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    throw new UsageError(`${name} cannot be read: ${why}`, {
      code: "CONFIG_INVALID",
      cause: error,
    });
  }
  throw new UsageError(`${name} has no default export`, { code: "CONFIG_INVALID" });
}
