import { expect, test } from "vitest";
import { nearestNames } from "../../src/nearest.ts";

test("a letter too few, too many, wrong or swapped is forgiven, nearest first", () => {
  expect(nearestNames("webserve", ["mail", "webserver", "web-server"])).toEqual([
    "webserver",
    "web-server",
  ]);
  expect(nearestNames("bd", ["db", "web"])).toEqual(["db"]);
  expect(nearestNames("Web", ["web"])).toEqual(["web"]);
});

test("a beginning is forgiven, another name is not", () => {
  expect(nearestNames("min", ["minimal", "web"])).toEqual(["minimal"]);
  expect(nearestNames("mail", ["web", "db"])).toEqual([]);
});
