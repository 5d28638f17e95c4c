import { acquireGuestSlot, takeGuestRoom } from "../host/index.ts";
import { bootable, sizeOf } from "../launch/index.ts";
import type { BuiltVm } from "../nix/index.ts";
import type { Context } from "./context.ts";

/** Waits until this host carries a guest that nobody sits before: all of a user's processes share what it has. */
export async function waitForRoom(
  built: BuiltVm,
  { settings, io, progress }: Context,
): Promise<AsyncDisposable> {
  const { name } = built.source;
  return acquireGuestSlot({
    ...(await sizeOf(bootable(built), settings.of(name))),
    // Machines of one run do not wait for each other's ends.
    holder: name,
    signal: io.signal,
    onWait: (processes) =>
      progress.update(name, {
        phase: "waiting until other guests have ended",
        detail: `of process ${processes.join(", ")}`,
      }),
  });
}

/** Room for a guest that somebody wants now; says where memory may not be enough for it. */
export async function takeRoom(
  built: BuiltVm,
  { settings, io, progress }: Context,
): Promise<AsyncDisposable> {
  const { name } = built.source;
  const { memoryMiB } = await sizeOf(bootable(built), settings.of(name));
  return takeGuestRoom({
    memoryMiB,
    signal: io.signal,
    onShortage: ({ neededMiB, leftMiB, processes }) => {
      const others =
        processes.length === 0 ? "" : ` beside the guests of process ${processes.join(", ")}`;
      progress.note(
        `${name}: may run out of memory: it takes up to ${neededMiB} MiB, and ${leftMiB} MiB are left${others}`,
      );
    },
  });
}
