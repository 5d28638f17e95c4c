import type { Socket } from "node:net";
import type { OutputListener, OutputStream } from "../channel.ts";

/** A command's output on its way to the caller's listener. */
export interface Delivery {
  give(stream: OutputStream, bytes: Uint8Array): void;
  /** Calls back when the listener is done with all that it was given. */
  whenDone(callBack: () => void): void;
  /** Gives nothing any more, and waits for nothing. */
  end(): void;
}

/** Hands out pieces one by one: a socket is read on when the listener is done with its last piece. */
export function deliverTo(
  listener: OutputListener | undefined,
  sockets: Readonly<Record<OutputStream, Socket>>,
  onError: (error: unknown) => void,
): Delivery {
  let isEnded = listener === undefined;
  const pending: Record<OutputStream, number> = { stdout: 0, stderr: 0 };
  let callBack: (() => void) | undefined;

  const isDone = (): boolean => isEnded || pending.stdout + pending.stderr === 0;
  const end = (): void => {
    isEnded = true;
    for (const stream of ["stdout", "stderr"] as const) {
      if (pending[stream] > 0) sockets[stream].resume();
      pending[stream] = 0;
    }
    callBack?.();
  };
  const fail = (error: unknown): void => {
    if (isEnded) return;
    onError(error);
    end();
  };
  const taken = (stream: OutputStream): void => {
    if (isEnded) return;
    pending[stream] -= 1;
    if (pending[stream] === 0) sockets[stream].resume();
    if (isDone()) callBack?.();
  };

  return {
    give(stream, bytes) {
      if (isEnded) return;
      try {
        const delivery = listener?.(stream, bytes);
        if (delivery === undefined) return;
        pending[stream] += 1;
        sockets[stream].pause();
        delivery.then(() => taken(stream), fail);
      } catch (error) {
        fail(error);
      }
    },
    whenDone(next) {
      if (isDone()) next();
      else callBack = next;
    },
    end,
  };
}
