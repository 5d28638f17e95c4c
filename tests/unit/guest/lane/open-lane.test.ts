import { expect, test } from "vitest";
import { agentLine } from "../../../../src/guest/lane/open-lane.ts";

test("of the line that starts the lane's agent, a shell with another language than bash's reads one quoted word", () => {
  // What fish, zsh and bash itself all take as it stands between single quotes.
  expect(agentLine("1234abcd")).toMatch(/^ unset HISTFILE;bash -c '(?:[^'\\!\n]|\\(?!\\))+'$/);
});
