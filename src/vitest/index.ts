export { expect, type GuestMatchers, type MatcherOptions } from "./matchers.ts";
export { test, type MachineFixtures, type MachineOptions, type Machines } from "./fixtures.ts";
export { secret, type Secret } from "../secret.ts";
export { whileHolding } from "./while-holding.ts";
export type { Machine } from "../machine/index.ts";
export { afterAll, afterEach, beforeAll, beforeEach, describe } from "vitest";
