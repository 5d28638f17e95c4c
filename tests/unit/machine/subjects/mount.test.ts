import { expect, test } from "vitest";
import { parseMounts } from "../../../../src/machine/subjects/mount.ts";

test("a mount has the options of the mount and those of its file system, without its own say twice", () => {
  const [mount] = parseMounts(
    "29 28 253:16 / /srv/my\\040data ro,relatime shared:2 - ext4 /dev/disk\\0401 rw,errors=remount-ro\n",
  );
  expect(mount).toEqual({
    path: "/srv/my data",
    fsType: "ext4",
    source: "/dev/disk 1",
    options: ["ro", "relatime", "errors=remount-ro"],
  });
});

test("a mount without propagation fields, and one with several, are read alike", () => {
  const mounts = parseMounts(
    `33 28 0:26 / /a rw - tmpfs tmpfs rw
34 28 0:27 / /b rw shared:3 master:1 - overlay overlay rw,lowerdir=/x
`,
  );
  expect(mounts.map(({ path, fsType }) => [path, fsType])).toEqual([
    ["/a", "tmpfs"],
    ["/b", "overlay"],
  ]);
});
