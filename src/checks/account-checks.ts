import type { Manifest, ManifestGroup, ManifestUser } from "../nix/index.ts";
import type { Accounts } from "./accounts.ts";
import {
  absentInVm,
  declaredBy,
  failed,
  passed,
  vmsOwn,
  type Check,
  type Judgement,
} from "./check.ts";

export function accountChecks({ users, groups }: Manifest): Check[] {
  return [
    ...users.map((user): Check => ({
      name: "user-account",
      subject: `user ${user.name}`,
      ...declaredBy(user),
      judge: ({ facts }) => (user.replaced === null ? absentInVm : judgeUser(user, facts.accounts)),
    })),
    ...groups.map((group): Check => ({
      name: "group-account",
      subject: `group ${group.name}`,
      ...declaredBy(group),
      judge: ({ facts }) =>
        group.replaced === null ? absentInVm : judgeGroup(group, facts.accounts),
    })),
    ...users
      .filter(({ authorizedKeys }) => authorizedKeys.length > 0)
      .map((user): Check => ({
        name: "authorized-keys",
        subject: `keys of ${user.name}`,
        ...declaredBy(user),
        source: `${user.source}.openssh.authorizedKeys`,
        judge: ({ facts }) => judgeKeys(user, facts.accounts),
      })),
  ];
}

function judgeUser(user: ManifestUser, { users, groups, homes }: Accounts): Judgement {
  const account = users.get(user.name);
  if (account === undefined) return failed("does not exist");
  const gid = groups.get(user.group)?.gid;
  const owner = homes.get(user.home);
  const differences = [
    ...different("uid", account.uid, user.uid),
    ...(user.group === "" || gid === account.gid ? [] : [`is not of the group ${user.group}`]),
    ...different("home", account.home, user.home),
    ...different("shell", account.shell, user.shell),
    ...(user.createHome && owner === undefined ? [`its home ${user.home} is not there`] : []),
    ...(user.createHome && owner !== undefined && owner !== user.name
      ? [`its home ${user.home} belongs to ${owner}`]
      : []),
  ];
  if (differences.length > 0) return failed(differences.join("; "));
  const { uid, home, shell } = account;
  return passed(`has uid ${uid}, home ${home}, shell ${shell}${vmsOwn(user)}`);
}

function judgeGroup(group: ManifestGroup, { groups }: Accounts): Judgement {
  const entry = groups.get(group.name);
  if (entry === undefined) return failed("does not exist");
  const missing = group.members.filter((member) => !entry.members.includes(member));
  const differences = [
    ...different("gid", entry.gid, group.gid),
    ...(missing.length > 0 ? [`lacks ${missing.join(", ")}`] : []),
  ];
  if (differences.length > 0) return failed(differences.join("; "));
  const members = group.members.length > 0 ? `, with ${group.members.join(", ")}` : "";
  return passed(`has gid ${entry.gid}${members}${vmsOwn(group)}`);
}

function judgeKeys(user: ManifestUser, { authorizedKeys }: Accounts): Judgement {
  const accepted = authorizedKeys.get(user.name) ?? [];
  const missing = user.authorizedKeys.filter((key) => !accepted.includes(key.trim()));
  if (missing.length > 0) {
    // The end of a key is its comment, by which people know it.
    const names = missing.map((key) => key.trim().split(" ").at(-1) ?? "");
    return failed(`lack ${names.join(", ")}`);
  }
  const count = user.authorizedKeys.length;
  return passed(count === 1 ? "has its one key" : `has all ${count}`);
}

/** null: whatever it is. */
function different(
  what: string,
  actual: string | number,
  declared: string | number | null,
): string[] {
  return declared === null || actual === declared
    ? []
    : [`has ${what} ${actual}, and not ${declared}`];
}
