import { expect, test } from "vitest";
import { parseProcNet, parseProperties, parseUnits } from "../../../src/guest/systemd.ts";

test("the blocks of systemctl show are told apart by their Id", () => {
  const units = parseUnits(
    "Id=nginx.service\nActiveState=active\nExecStart={ path=/x ; argv[]=/x -g daemon off; ; }\n\nId=sshd.service\nActiveState=failed\nDescription=\n",
  );
  expect([...units.keys()]).toEqual(["nginx.service", "sshd.service"]);
  expect(units.get("nginx.service")?.get("ExecStart")).toContain("argv[]=/x -g");
  expect(units.get("sshd.service")?.get("Description")).toBe("");
});

test("a value that goes on in the next line is one value", () => {
  expect(parseProperties("A=1\n2\nB=3").get("A")).toBe("1\n2");
});

test("listening sockets are read out of the kernel's own table", () => {
  const head =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n";
  expect(
    parseProcNet(
      `${head}   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0\n   1: 0100007F:1538 0100007F:9999 01 00000000:00000000 00:00000000 00000000 0`,
    ),
  ).toEqual([{ protocol: "tcp", address: "127.0.0.1", port: 5432 }]);
  const v6 = (hex: string): string => `${head}   0: ${hex}:0050 ${"0".repeat(32)}:0000 0A 0`;
  expect(
    [
      "0".repeat(32),
      `${"0".repeat(24)}01000000`,
      "000080FE000000000000000001000000",
      "B80D01200000000067452301EFCDAB89",
    ].map((hex) => parseProcNet(v6(hex))[0]?.address),
  ).toEqual(["::", "::1", "fe80::1", "2001:db8::123:4567:89ab:cdef"]);
});
