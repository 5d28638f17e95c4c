import { expect, test } from "vitest";
import { declared } from "./guest-tools.ts";
import { judged, lookOf } from "./look.ts";

const file = { ...declared, target: "some file", content: "/nix/store/x-file", mode: "symlink" };

test.for([
  ["same", "passed", "is /nix/store/x-file"],
  ["equal", "passed", "has the content of /nix/store/x-file"],
  ["different", "failed", "is something else than /nix/store/x-file"],
  ["missing", "failed", "is not there"],
  ["undeclared", "failed", "is not in the closure"],
  ["unheard-of", "failed", "could not be looked at"],
] as const)("a file of /etc that is %s is judged so", ([state, status, detail]) => {
  const found = judged("etc-file", { etcFiles: [file] }, lookOf({ etc: `${state} some file\n` }));
  expect(found["/etc/some file"]).toEqual({ status, detail });
});

test("what the vm leaves out is not called broken, and what it has of its own is said", () => {
  const absent = { ...file, replaced: null };
  const own = { ...file, target: "own", replaced: ["content"] };
  const look = lookOf({ etc: "same own\n" });
  expect(judged("etc-file", { etcFiles: [absent, own] }, look)).toEqual({
    "/etc/some file": { status: "skipped", detail: "is left out of the vm: not tested" },
    "/etc/own": { status: "passed", detail: "is /nix/store/x-file; content is the vm's own" },
  });
});
