import { expect, test } from "vitest";
import { declared } from "./guest-tools.ts";
import { judged, lookOf } from "./look.ts";

const alice = {
  ...declared,
  name: "alice",
  uid: 1000,
  group: "makers",
  home: "/home/alice",
  createHome: true,
  shell: "/bin/bash",
  authorizedKeys: ["ssh-ed25519 AAAA alice@desk\n", "ssh-ed25519 BBBB alice@road"],
};

const asDeclared = {
  passwd: "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:100:Alice:/home/alice:/bin/bash\n",
  group: "makers:x:100:alice,bob\n",
  homes: "alice /home/alice\n",
  keys: "\0alice\nssh-ed25519 AAAA alice@desk\n\n  ssh-ed25519 BBBB alice@road\n",
};

test.for([
  { fact: "as declared", is: {}, detail: /^has uid 1000, home \/home\/alice, shell \/bin\/bash$/ },
  { fact: "missing", is: { passwd: "" }, detail: /^does not exist$/ },
  {
    fact: "of another uid, home and shell",
    is: { passwd: "alice:x:1001:100::/srv/alice:/bin/sh\n" },
    detail:
      /^has uid 1001, and not 1000; has home \/srv\/alice, and not \/home\/alice; has shell \/bin\/sh, and not \/bin\/bash$/,
  },
  {
    fact: "of another group",
    is: { group: "makers:x:101:\n" },
    detail: /^is not of the group makers$/,
  },
  { fact: "without a home", is: { homes: "" }, detail: /^its home \/home\/alice is not there$/ },
  {
    fact: "in somebody else's home",
    is: { homes: "root /home/alice\n" },
    detail: /^its home \/home\/alice belongs to root$/,
  },
])("a user who is $fact is judged so", ({ is, detail }) => {
  const found = judged("user-account", { users: [alice] }, lookOf({ ...asDeclared, ...is }));
  expect(found["user alice"]?.detail).toMatch(detail);
  expect(found["user alice"]?.status).toBe(Object.keys(is).length === 0 ? "passed" : "failed");
});

test("what a declaration leaves open is not compared", () => {
  const open = { ...alice, uid: null, shell: null, group: "", createHome: false };
  const look = lookOf({ ...asDeclared, passwd: "alice:x:7:8::/home/alice:/bin/x\n", homes: "" });
  expect(judged("user-account", { users: [open] }, look)["user alice"]?.status).toBe("passed");
});

test("a group has its gid and at least the members that are declared", () => {
  const group = { ...declared, name: "makers", gid: 100, members: ["alice"] };
  const outcome = (line: string) =>
    judged("group-account", { groups: [group] }, lookOf({ group: line }))["group makers"];
  expect(outcome("makers:x:100:alice,bob\n")).toEqual({
    status: "passed",
    detail: "has gid 100, with alice",
  });
  expect(outcome("makers:x:100:bob,malice\n")).toEqual({ status: "failed", detail: "lacks alice" });
  expect(outcome("makers:x:101:alice\n")).toEqual({
    status: "failed",
    detail: "has gid 101, and not 100",
  });
  expect(outcome("")).toEqual({ status: "failed", detail: "does not exist" });
});

test("every key that is declared has to be accepted, and those that are not are named by their comments", () => {
  const outcome = (keys: string) =>
    judged("authorized-keys", { users: [alice] }, lookOf({ keys }))["keys of alice"];
  expect(outcome(asDeclared.keys)).toEqual({ status: "passed", detail: "has all 2" });
  expect(outcome("\0alice\nssh-ed25519 BBBB alice@road\n")).toEqual({
    status: "failed",
    detail: "lack alice@desk",
  });
  // Somebody else's are not hers.
  expect(outcome(asDeclared.keys.replace("alice\n", "bob\n"))?.status).toBe("failed");
});

test("accounts that the vm leaves out are not called broken", () => {
  const group = { ...declared, name: "makers", gid: 100, members: [], replaced: null };
  const users = [{ ...alice, replaced: null }];
  const look = lookOf({});
  expect(judged("user-account", { users }, look)["user alice"]?.status).toBe("skipped");
  expect(judged("group-account", { groups: [group] }, look)["group makers"]?.status).toBe(
    "skipped",
  );
});
