import { setTimeout } from "../clock.ts";
import type { Console } from "../console/index.ts";
import { Deadline } from "../deadline.ts";
import { GuestLostError, UsageError } from "../errors.ts";
import { laneControlPortId } from "../guest/index.ts";
import { connectQmp, QmpError, type Qmp, type QmpEvent } from "../qemu/index.ts";

/** QEMU's monitor of one guest. */
export interface Monitor extends Disposable {
  /** Gives QEMU an order. @throws GuestLostError where the guest is lost or QEMU does not obey */
  order<T>(doing: string, act: (qmp: Qmp, deadline: Deadline) => Promise<T>): Promise<T>;
}

export interface MonitorOptions {
  /** Of the guest, for messages. */
  readonly name: string;
  readonly socket: string;
  /** For QEMU to open its monitor, which is long before the guest has booted. */
  readonly deadline: Deadline;
  /** Nobody in the guest listens at the lane's control port any more. */
  readonly onLaneClosed: () => void;
}

const patienceMs = 20_000;
// The kernel prints why it panics before it tells QEMU: that text makes the better message.
const panicTextMs = 250;

/**
 * Listens to QEMU from the guest's first moment: a panic or a reset fails every wait on the
 * console, even where the guest's kernel prints nothing there.
 */
export function watchMonitor(
  console: Console,
  { name, socket, deadline, onLaneClosed }: MonitorOptions,
): Monitor {
  const onEvent = (event: QmpEvent): void => {
    if (event.name === "GUEST_PANICKED") {
      setTimeout(() => console.raise("kernel panic"), panicTextMs).unref();
    } else if (event.name === "RESET" && event.data["guest"] === true) {
      console.raise("unexpected reboot");
    } else if (event.name === "BLOCK_IO_ERROR" && event.data["nospace"] === true) {
      // QEMU pauses the guest, which would then be waited for until the last limit.
      console.lose(diskFull, "Free some space, or point TMPDIR at a directory with room.");
    } else if (event.name === "VSERPORT_CHANGE" && event.data["id"] === laneControlPortId) {
      if (event.data["open"] === false) onLaneClosed();
    }
  };
  const connected = connectQmp(socket, deadline, { until: console.exited, onEvent });
  // A run script without a monitor boots all the same; who gives an order hears of it.
  connected.then(stayAfterPanic, () => {});
  return {
    async order(doing, act) {
      try {
        return await act(await connected, Deadline.after(patienceMs));
      } catch (error) {
        if (!(error instanceof QmpError)) throw error;
        const cause = console.failure ?? error;
        throw new GuestLostError(`${name}: ${cause.message}; could not ${doing}`, {
          code: "GUEST_LOST",
          cause,
        });
      }
    },
    [Symbol.dispose]: () => void connected.then((qmp) => qmp[Symbol.dispose]()).catch(() => {}),
  };
}

/**
 * What QEMU refuses is no loss of the guest.
 * @throws UsageError that begins with `what`: `web cannot be saved`
 */
export async function refusable<T>(
  what: string,
  order: () => Promise<T>,
  hint?: string,
): Promise<T> {
  try {
    return await order();
  } catch (error) {
    if (!(error instanceof GuestLostError && error.cause instanceof QmpError)) throw error;
    throw new UsageError(`${what}: ${error.cause.message}`, { cause: error.cause, hint });
  }
}

const diskFull = "this host's disk is full, so QEMU has paused the guest that wrote to it";

/** Otherwise QEMU ends at a panic, and what the kernel had to say ends with it. Older ones only pause. */
async function stayAfterPanic(qmp: Qmp): Promise<void> {
  await qmp
    .execute("set-action", { arguments: { panic: "none" }, deadline: Deadline.after(patienceMs) })
    .catch(() => {});
}
