import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { takeScreenshot } from "../qemu/index.ts";
import type { RunningGuest } from "./guest.ts";

/** What the guest's display shows, as a PNG image. Each call has a file of its own: several may be under way. */
export function screenshotOf({
  directory,
  monitor,
}: Pick<RunningGuest, "directory" | "monitor">): Promise<Uint8Array> {
  const file = join(directory.path, `screen-${randomUUID()}.ppm`);
  return monitor.order("take a screenshot", (qmp, deadline) =>
    takeScreenshot(qmp, { file, deadline }),
  );
}
