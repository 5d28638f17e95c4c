// A boot that takes another way than to its default target.
import { rmSync } from "node:fs";
import { GuestLostError } from "dryboot";
import { expect, test } from "dryboot/test";

test.for([
  { alarm: "emergency mode", unit: "emergency.target" },
  { alarm: "unexpected reboot", unit: "reboot.target" },
])(
  "a boot that ends in $unit is over with its first line",
  async ({ alarm, unit }, { machines }) => {
    const started = machines.start("minimal", { kernelParameters: [`systemd.unit=${unit}`] });

    const failure = await started.catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: "BOOT_FAILED",
      exitCode: 4,
      message: expect.stringContaining(alarm),
      details: expect.arrayContaining([expect.stringMatching(/^Kept: /)]),
    });
    for (const directory of keptDirectories(failure)) rmSync(directory, { recursive: true });
  },
);

function keptDirectories(failure: unknown): string[] {
  const details = failure instanceof GuestLostError ? failure.details : [];
  return details.flatMap((line) => /^Kept: (\S+)/.exec(line)?.[1] ?? []);
}
