import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Something that dryboot needs of this host. */
export interface Requirement {
  readonly name: string;
  /** The end of a sentence: `Nix is missing: it …`. */
  readonly why: string;
  readonly isThere: () => boolean;
  readonly debianPackages: readonly string[];
  /** How to get it on any other host. */
  readonly elsewhere: string;
  /** What may still be in the way once the packages are installed. */
  readonly afterInstalling?: string;
}

const allRequirements: readonly Requirement[] = [
  {
    name: "Nix",
    why: "evaluates and builds the machines",
    isThere: () => ["nix", "nix-instantiate", "nix-store"].every((program) => findProgram(program)),
    debianPackages: ["nix-bin"],
    elsewhere: "https://nixos.org/download says how to install it",
  },
  {
    name: "a Nix store for this user",
    why: "builds as another user than root go through Nix's daemon",
    isThere: () => mayBuild(),
    debianPackages: ["nix-setup-systemd"],
    elsewhere: "start Nix's daemon: systemctl start nix-daemon.socket",
    afterInstalling:
      "Debian's daemon serves the members of the group nix-users: sudo usermod --append --groups nix-users $USER, then log in again",
  },
  {
    name: "QEMU",
    why: "runs the guests",
    isThere: () => findProgram("qemu-system-x86_64") !== undefined,
    debianPackages: ["qemu-system-x86"],
    elsewhere:
      "nix-env -f '<nixpkgs>' -iA qemu, or your distribution's package of qemu-system-x86_64",
  },
  {
    name: "qemu-img",
    why: "makes the guests' disk images",
    isThere: () => findProgram("qemu-img") !== undefined,
    debianPackages: ["qemu-utils"],
    elsewhere: "it comes with QEMU: nix-env -f '<nixpkgs>' -iA qemu",
  },
];

/** What this host lacks. */
export function missingRequirements(
  requirements: readonly Requirement[] = allRequirements,
): Requirement[] {
  return requirements.filter((requirement) => !requirement.isThere());
}

/** The program's path, as a shell would find it. */
export function findProgram(name: string): string | undefined {
  return (process.env["PATH"] ?? "")
    .split(delimiter)
    .map((directory) => join(directory, name))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Root builds by itself, everybody else through the daemon, or in a store of their own. */
function mayBuild(): boolean {
  if (process.getuid?.() === 0 || hasDaemon()) return true;
  try {
    accessSync("/nix/store", constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

export function hasDaemon(): boolean {
  const remote = process.env["NIX_REMOTE"] ?? "";
  return (remote !== "" && remote !== "auto") || existsSync("/nix/var/nix/daemon-socket/socket");
}
