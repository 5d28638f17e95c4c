import { UsageError } from "../../errors.ts";

/** @throws UsageError for what is none, as `640` without `0o` is not */
export function permissionBits(mode: number | string): number {
  const bits =
    typeof mode === "string" && /^[0-7]{1,5}$/.test(mode) ? Number.parseInt(mode, 8) : mode;
  if (
    typeof bits === "number" &&
    Number.isInteger(bits) &&
    bits >= 0 &&
    bits <= 0o7777 &&
    !isDecimal(mode)
  )
    return bits;
  throw new UsageError(`a mode is 0o640 or "0640", not ${JSON.stringify(mode)}`);
}

/** `640` in place of `0o640`: such bits would be no mode that anybody wants. */
function isDecimal(mode: number | string): boolean {
  return typeof mode === "number" && mode > 0o777 && /^[0-7]{3}$/.test(String(mode));
}

export function octal(mode: number): string {
  return `0${mode.toString(8)}`;
}
