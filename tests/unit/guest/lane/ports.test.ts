import { expect, test } from "vitest";
import { laneControlPortId, laneQemuArguments } from "../../../../src/guest/lane/index.ts";

test("QEMU's arguments hold no white space, and a comma in a path is doubled", () => {
  const words = laneQemuArguments("/tmp/a,b");
  expect(words.filter((word) => /\s/.test(word))).toEqual([]);
  expect(words).toContain(
    "socket,id=dryboot-lane-control,path=/tmp/a,,b/lane-control,server=on,wait=off",
  );
  expect(words.join(" ")).toContain(`id=${laneControlPortId},name=dryboot.control`);
});

test("every port has its own number, chardev and name on one device of 31 ports", () => {
  const ports = laneQemuArguments("/run").filter((word) => word.startsWith("virtserialport,"));
  for (const part of ["nr", "chardev", "name"]) {
    const values = ports.map((port) => new RegExp(`[,]${part}=([^,]+)`).exec(port)?.[1]);
    expect(new Set(values).size).toBe(ports.length);
  }
  expect(ports.length).toBeLessThan(31);
});
