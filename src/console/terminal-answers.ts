import type { TerminalQuery } from "./cleaner.ts";

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

// Answers are typed, so a guest that asks without end would type without end.
const maxAnswers = 1000;

/** Answers a guest as the terminal would that it believes to have, so that nothing in it waits for one. */
export function createTerminalAnswers(
  send: (answer: string) => void,
): (query: TerminalQuery, size: TerminalSize) => void {
  let answers = 0;
  return (query, { columns, rows }) => {
    if (answers === maxAnswers) return;
    answers += 1;
    send(
      {
        cursor: `\x1b[${rows};1R`,
        status: "\x1b[0n",
        size: `\x1b[8;${rows};${columns}t`,
        identity: "\x1b[?6c",
      }[query],
    );
  };
}
