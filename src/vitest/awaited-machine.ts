import type { RunnerTask } from "vitest";
import type { Machine } from "../machine/index.ts";
import { cut } from "../report/index.ts";
import { mustBeAwaited } from "./awaited.ts";

/**
 * A machine as one test holds it: what the test asks of it and does not wait for fails the test.
 * @param fork in place of the machine's own: the test's guests are counted
 */
export function awaitedMachine(machine: Machine, task: RunnerTask, fork: Machine["fork"]): Machine {
  return withAwaitedMethods(machine, machine.name, task, { fork });
}

/** Whatever else a test holds. */
export function withAwaitedMethods<T extends object>(
  whole: T,
  name: string,
  task: RunnerTask,
  replaced: Partial<T> = {},
): T {
  return new Proxy(whole, {
    get(target, key) {
      const value: unknown = Reflect.get(key in replaced ? replaced : target, key, target);
      if (key === "constructor") return value;
      // `await using` waits by itself.
      if (typeof key === "symbol") return typeof value === "function" ? value.bind(target) : value;
      if (key === "console") return withAwaitedMethods(value as object, `${name}.console`, task);
      if (typeof value !== "function") return value;
      return (...given: readonly unknown[]): unknown => {
        const { stack } = new Error();
        const result: unknown = Reflect.apply(value, target, given);
        if (!(result instanceof Promise)) return result;
        return mustBeAwaited(result, { text: `${name}.${callText(key, given)}`, stack, task });
      };
    },
  });
}

const longestArgument = 60;

/** A call as it stands in a test: `waitForUnit("nginx.service")`. */
export function callText(method: string, given: readonly unknown[]): string {
  const [first] = given;
  if (method === "$") return "$`…`";
  const more = given.length > 1 ? ", …" : "";
  if (given.length === 0) return `${method}()`;
  const shown =
    typeof first === "string" ? cut(JSON.stringify(first), longestArgument) : argumentText(first);
  return `${method}(${shown}${more})`;
}

function argumentText(value: unknown): string {
  return typeof value === "number" || value instanceof RegExp ? String(value) : "…";
}
