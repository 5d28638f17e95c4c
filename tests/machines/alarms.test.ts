// A boot that takes another way than to its default target.
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { GuestLostError } from "dryboot";
import { expect, test } from "dryboot/test";

const reboots = fileURLToPath(new URL("../fixtures/machines/reboots.nix", import.meta.url));

test.for([
  {
    alarm: "emergency mode",
    machine: "minimal",
    kernelParameters: ["systemd.unit=emergency.target"],
  },
  { alarm: "unexpected reboot", machine: reboots, kernelParameters: [] },
])(
  "a boot is over with the first line of an $alarm",
  async ({ alarm, machine, kernelParameters }, { machines }) => {
    const failure = await machines
      .start(machine, { kernelParameters })
      .catch((error: unknown) => error);
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
