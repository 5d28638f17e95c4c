import { quoteCommand } from "../machine/shell.ts";
import { sysctlPath } from "../machine/sysctl-path.ts";
import type { Manifest, ManifestKernelModule, ManifestSysctl } from "../nix/index.ts";
import {
  absentInVm,
  broken,
  declaredBy,
  passed,
  vmsOwn,
  type Check,
  type Judgement,
} from "./check.ts";
import type { Questions } from "./sections.ts";

export interface KernelState {
  /** By path below /proc/sys; what cannot be read is missing. */
  readonly sysctls: ReadonlyMap<string, string>;
  /** Loaded or built in, with `_` for every `-`. */
  readonly modules: ReadonlySet<string>;
  /** Modules that find nothing to drive in this guest. */
  readonly idle: ReadonlySet<string>;
}

export function kernelQuestions({ sysctls, kernelModules }: Manifest): Questions {
  const paths = sysctls.map(({ name }) => sysctlPath(name));
  return {
    sysctls:
      paths.length === 0
        ? "true"
        : `for path in ${quoteCommand(paths)}; do
  if [ -r "/proc/sys/$path" ]; then value=$(< "/proc/sys/$path") && printf '%s\\t%s\\n' "$path" "\${value//$'\\n'/ }" || true; fi
done`,
    modules:
      kernelModules.length === 0
        ? "true"
        : `printf '%s\\n' /sys/module/*
cat "/run/booted-system/kernel-modules/lib/modules/$(uname -r)/modules.builtin"`,
    // What is not there yet is asked why; what comes now has still not come with the boot.
    idle: `for module in ${quoteCommand(kernelModules.map(({ name }) => moduleName(name)))}; do
  if [ ! -e "/sys/module/$module" ]; then
    reason=$(LC_ALL=C modprobe -- "$module" 2>&1) || printf '%s %s\\n' "$module" "\${reason//$'\\n'/ }"
  fi
done`,
  };
}

export function parseKernel(section: (name: string) => string): KernelState {
  const rows = section("sysctls")
    .split("\n")
    .map((line) => line.split("\t"));
  const modules = section("modules")
    .split("\n")
    .map((path) => /([^/]+?)(?:\.ko)?$/.exec(path)?.[1] ?? "");
  return {
    sysctls: new Map(rows.map(([path = "", ...value]) => [path, value.join(" ")])),
    modules: new Set(modules.map(moduleName)),
    idle: new Set(
      [...section("idle").matchAll(/^(\S+) .*(?:No such device|Operation not supported)/gm)].map(
        ([, name = ""]) => name,
      ),
    ),
  };
}

export function kernelChecks({ sysctls, kernelModules }: Manifest): Check[] {
  return [
    ...sysctls.map((sysctl): Check => ({
      name: "sysctl",
      subject: sysctl.name,
      ...declaredBy(sysctl),
      judge: ({ facts }) => judgeSysctl(sysctl, facts.kernel),
    })),
    ...kernelModules.map((module): Check => ({
      name: "kernel-module",
      subject: `module ${module.name}`,
      ...declaredBy(module),
      judge: ({ facts }) => judgeModule(module, facts.kernel),
    })),
  ];
}

function judgeSysctl(sysctl: ManifestSysctl, { sysctls }: KernelState): Judgement {
  if (sysctl.replaced === null) return absentInVm;
  const actual = sysctls.get(sysctlPath(sysctl.name));
  if (actual === undefined) return broken(sysctl, "is no setting of this kernel");
  const [seen, wanted] = [normal(actual), normal(sysctl.value)];
  // kernel.printk has four figures; one that is written sets the first.
  if (seen === wanted || seen.startsWith(`${wanted} `))
    return passed(`is ${seen}${vmsOwn(sysctl)}`);
  return broken(sysctl, `is ${seen}, and not ${wanted}`);
}

function judgeModule(module: ManifestKernelModule, { modules, idle }: KernelState): Judgement {
  if (module.replaced === null) return absentInVm;
  if (modules.has(moduleName(module.name))) return passed("is loaded");
  return idle.has(moduleName(module.name))
    ? { status: "skipped", detail: "has no hardware here: not tested" }
    : broken(module, "is not loaded");
}

function moduleName(name: string): string {
  return name.replaceAll("-", "_");
}

function normal(value: string): string {
  return value.trim().replace(/\s+/g, " ");
}
