import { expect, test } from "vitest";
import { packageOf } from "../../../../src/machine/subjects/package.ts";

const hash = "0".repeat(32);

test.for([
  ["git-2.47.1", "git", "2.47.1"],
  ["git-2.47.1-doc", "git", "2.47.1"],
  ["nss-cacert-3.101", "nss-cacert", "3.101"],
  ["python3-3.12.7", "python3", "3.12.7"],
  ["etc", "etc", ""],
] as const)("%s is %s in version «%s»", ([path, name, version]) => {
  expect(packageOf(`/nix/store/${hash}-${path}`)).toMatchObject({ name, version });
});
