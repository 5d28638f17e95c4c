// The host's own clock, also in a test that has put another one in its place: a guest lives on under `vi.useFakeTimers()`,
// which exchanges what is global and leaves these.
export { performance } from "node:perf_hooks";
export { clearInterval, clearTimeout, setImmediate, setInterval, setTimeout } from "node:timers";

/** Milliseconds since 1970. */
export const now: () => number = Date.now;

/** Nanoseconds by a clock that all processes of this host share. */
export const hostTime: () => bigint = process.hrtime.bigint;
