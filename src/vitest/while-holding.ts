import { TestRunner } from "vitest";
import { whileHolding as whileHoldingUnwatched } from "../machine/index.ts";
import { mustBeAwaited } from "./awaited.ts";

/** As that of `dryboot`; a test that does not wait for it fails. */
export const whileHolding: typeof whileHoldingUnwatched = (...given) =>
  mustBeAwaited(whileHoldingUnwatched(...given), {
    text: "whileHolding(…)",
    stack: new Error().stack,
    task: TestRunner.getCurrentTest(),
  });
