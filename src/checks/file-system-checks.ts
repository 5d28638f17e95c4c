import type { MountEntry } from "../machine/subjects/mount.ts";
import type { Manifest, ManifestFileSystem } from "../nix/index.ts";
import { declaredBy, failed, passed, vmsOwn, type Check, type Judgement } from "./check.ts";
import type { Facts } from "./facts.ts";

export function fileSystemChecks({ fileSystems }: Manifest): Check[] {
  return fileSystems.map((fileSystem) => ({
    name: "file-system",
    subject: fileSystem.mountPoint,
    ...declaredBy(fileSystem),
    judge: ({ facts }) => judgeFileSystem(fileSystem, facts.mounts),
  }));
}

function judgeFileSystem(fileSystem: ManifestFileSystem, mounts: Facts["mounts"]): Judgement {
  const { mountPoint, fsType, device, options, replaced } = fileSystem;
  if (replaced === null) {
    const what = `${fsType} on ${device ?? "nothing"}`;
    return { status: "skipped", detail: `is left out of the vm (${what}): not tested` };
  }
  const mount = mounts.findLast((each) => each.path === mountPoint);
  if (mount === undefined) {
    return options.includes("noauto")
      ? { status: "skipped", detail: "is mounted on demand alone" }
      : failed("is not mounted");
  }
  // What is mounted when somebody looks into it.
  if (mount.fsType === "autofs") return passed("is mounted at the first access");
  const differences = [
    ...(isSameType(fsType, mount.fsType) ? [] : [`is ${mount.fsType}, and not ${fsType}`]),
    ...options.filter((option) => isMissing(option, mount)).map((option) => `is without ${option}`),
  ];
  if (differences.length > 0) {
    return failed(`${differences.join("; ")} (${mount.options.join(",")})`);
  }
  return passed(`is ${mount.fsType} on ${mount.source}${vmsOwn(fileSystem)}`);
}

function isSameType(declared: string, actual: string): boolean {
  if (/^(?:auto|none|)$/.test(declared)) return true; // a bind mount has the type of what it shows
  return declared === actual || `fuse.${declared}` === actual || `${declared}4` === actual;
}

/** Options that the kernel shows as they were given; others are for mount(8), systemd or one file system alone. */
const visible =
  /^(?:ro|nosuid|nodev|noexec|noatime|nodiratime|sync|dirsync|nosymfollow|(?:mode|uid|gid|size)=.*)$/;

function isMissing(option: string, { options }: MountEntry): boolean {
  if (!visible.test(option)) return false;
  const [name, value] = option.split("=");
  if (value === undefined) return !options.includes(option);
  const shown = options.find((each) => each.startsWith(`${name}=`))?.slice(`${name}=`.length);
  switch (name) {
    case "size":
      // A part of the memory is shown as the figure that it came to.
      return !value.endsWith("%") && kibibytes(shown) !== kibibytes(value);
    case "mode":
      // The default is not shown.
      return Number.parseInt(shown ?? "1777", 8) !== Number.parseInt(value, 8);
    default:
      // Root and the names of users are not shown.
      return /^\d+$/.test(value) && Number(shown ?? "0") !== Number(value);
  }
}

function kibibytes(size: string | undefined): number | undefined {
  const [, figure, unit = ""] = /^(\d+)([kmgt]?)$/i.exec(size ?? "") ?? [];
  if (figure === undefined) return undefined;
  return Math.ceil((Number(figure) * 1024 ** " kmgt".indexOf(unit.toLowerCase() || " ")) / 1024);
}
