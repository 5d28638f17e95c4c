import { expect, test } from "vitest";
import {
  File,
  Http,
  Journal,
  Mount,
  Port,
  Unit,
  type FileType,
} from "../../../../src/machine/index.ts";
import { hostRunner } from "../host-runner.ts";

const host = hostRunner();
const anything = (value: unknown): never => value as never;

test.for<[subject: string, message: string, make: () => unknown]>([
  [
    "a unit",
    "named by a text that is not empty, not by undefined",
    () => new Unit(host, anything(undefined)),
  ],
  ["a file", 'named by a text that is not empty, not by ""', () => new File(host, "")],
  ["a mount", 'a path that starts with /, not "mnt"', () => new Mount(host, "mnt")],
  ["a port", "a whole number from 1 to 65535, not 70000", () => new Port(host, 70_000)],
  [
    "a port's name",
    'a whole number from 1 to 65535, not "http"',
    () => new Port(host, anything("http")),
  ],
  [
    "a URL",
    '"localhost/" is no URL of a web server; it starts with http://',
    () => new Http(host, "localhost/"),
  ],
  [
    "a priority",
    'one of emerg, alert, crit, err, warning, notice, info, debug, not "error"',
    () => new Journal(host, { priority: anything("error") }),
  ],
  [
    "a mode in tens",
    'a mode is 0o640 or "0640", not 6400',
    () => new File(host, "/").withMode(6400),
  ],
  [
    "a mode in letters",
    'a mode is 0o640 or "0640", not "rw"',
    () => new File(host, "/").withMode("rw"),
  ],
  [
    "a type",
    'one of file, directory, link, socket, pipe, device, not "folder"',
    () => new File(host, "/").ofType("folder" as FileType),
  ],
  [
    "a status",
    'a status is a number such as 200, not "200"',
    () => new Http(host, "http://a/").responding({ status: anything("200") }),
  ],
  [
    "an open port of UDP",
    "only TCP has connections",
    () => new Port(host, 53, { protocol: "udp" }).open(),
  ],
])("%s that cannot be is refused before the guest is asked", ([, message, make]) => {
  expect(make).toThrow(
    expect.objectContaining({ name: "UsageError", message: expect.stringContaining(message) }),
  );
});
