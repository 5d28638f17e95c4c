import { requestHeadBytes } from "./agent.ts";

export interface RequestHead {
  /** Of 32 characters. */
  readonly key: string;
  readonly serial: number;
  /** Bytes of the text that follows. */
  readonly length: number;
  readonly hasInput: boolean;
}

/** What stands before a command's text on its way to a worker. */
export function requestHead({ key, serial, length, hasInput }: RequestHead): Buffer {
  const digits = (value: number, count: number): string => String(value).padStart(count, "0");
  const head = `${key} ${digits(serial, 10)} ${digits(length, 9)} ${hasInput ? 1 : 0}\n`;
  if (head.length !== requestHeadBytes) throw new RangeError("a command is too long for the lane");
  return Buffer.from(head, "latin1");
}

/** Gives a worker back whose pipes somebody holds: a request for nothing. */
export function renewalHead(): Buffer {
  return requestHead({ key: "0".repeat(32), serial: 0, length: 0, hasInput: false });
}
