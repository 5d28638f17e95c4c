import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { withDir } from "tmp-promise";

const modules = fileURLToPath(
  new URL("../../../pocket-nixpkgs/nixos/modules/system/activation/switch", import.meta.url),
);

interface Side {
  /** Texts of files below `/etc/systemd/system`. */
  readonly units?: Readonly<Record<string, string>>;
  readonly fstab?: string;
}

describe.concurrent("what a switch does to the units of the running system", () => {
  const service = (lines = "", unit = ""): string =>
    `[Unit]\n${unit}\n[Service]\nExecStart=/bin/a\n${lines}\n`;

  test("nothing, where old and new are the same", async () => {
    const side = { units: { "a.service": service() }, fstab: "tmpfs /srv tmpfs size=1m 0 0\n" };
    expect(await plan(side, side, ["a.service"])).toEqual({});
  });

  test("a service that changed stops before activation and starts after it", async () => {
    const changed = { units: { "a.service": service("Environment=V=2") } };
    expect(await plan({ units: { "a.service": service() } }, changed, ["a.service"])).toEqual({
      stop: ["a.service"],
      start: ["a.service"],
    });
  });

  test.each([
    ["X-ReloadIfChanged=true", "reload"],
    ["X-StopIfChanged=false", "restart"],
    ["X-RestartIfChanged=false", "skip"],
  ])("%s: %s", async (hint, action) => {
    const old = { units: { "a.service": service(hint) } };
    const changed = { units: { "a.service": service(`${hint}\nEnvironment=V=2`) } };
    expect(await plan(old, changed, ["a.service"])).toEqual({ [action]: ["a.service"] });
  });

  test("new reload triggers reload, a new description does nothing", async () => {
    const with_ = (unit: string): Side => ({ units: { "a.service": service("", unit) } });
    expect(
      await plan(with_("X-Reload-Triggers=1"), with_("X-Reload-Triggers=2"), ["a.service"]),
    ).toEqual({ reload: ["a.service"] });
    expect(await plan(with_("Description=old"), with_("Description=new"), ["a.service"])).toEqual(
      {},
    );
  });

  test("a drop-in counts as the unit's own text", async () => {
    const changed = {
      units: { "a.service": service(), "a.service.d/overrides.conf": "[Service]\nUser=b\n" },
    };
    expect(await plan({ units: { "a.service": service() } }, changed, ["a.service"])).toEqual({
      stop: ["a.service"],
      start: ["a.service"],
    });
  });

  test("a service that its socket starts comes back with the socket", async () => {
    const socket = { "a.socket": "[Socket]\nListenStream=1\n" };
    const old = { units: { ...socket, "a.service": service() } };
    const changed = { units: { ...socket, "a.service": service("User=b") } };
    expect(await plan(old, changed, ["a.service", "a.socket"])).toEqual({
      stop: ["a.service", "a.socket"],
      start: ["a.socket"],
    });
  });

  test("an instance is compared by its template, and a unit that is gone stops", async () => {
    const old = { units: { "a@.service": service(), "b.service": service() } };
    const changed = { units: { "a@.service": service("User=b") } };
    expect(await plan(old, changed, ["a@1.service", "b.service", "c.scope"])).toEqual({
      stop: ["a@1.service", "b.service"],
      start: ["a@1.service"],
    });
  });

  test("an active target starts again, for what it newly wants", async () => {
    const side = { units: { "multi-user.target": "[Unit]\n", "sleep.target": "[Unit]\n" } };
    expect(await plan(side, side, ["multi-user.target", "sleep.target"])).toEqual({
      start: ["multi-user.target"],
    });
  });

  test("mounts: new options remount, another device mounts anew, what is gone is unmounted, the store is left", async () => {
    const old = {
      fstab: "a /opts ext4 ro\nb /dev ext4 rw\nc /gone ext4 rw\nd /nix/store ext4 ro\n",
    };
    const changed = { fstab: "a /opts ext4 rw\nB /dev ext4 rw\n" };
    expect(await plan(old, changed, ["gone.mount"])).toEqual({
      reload: ["opts.mount"],
      restart: ["dev.mount"],
      stop: ["gone.mount"],
    });
  });
});

/** The plan's actions that have units. */
async function plan(
  old: Side,
  changed: Side,
  active: readonly string[],
): Promise<Record<string, string[]>> {
  return withDir(
    async ({ path }) => {
      await write(join(path, "old"), old);
      await write(join(path, "new"), changed);
      const { stdout } = await promisify(execFile)("perl", [
        `-I${modules}`,
        "-MPlan",
        "-MJSON::PP",
        "-e",
        `my ($root, @active) = @ARGV;
         my $plan = Plan::make(old => "$root/old", new => "$root/new", active => { map { $_ => { state => "active" } } @active },
           escape => sub { ($_[0] =~ s{^/}{}r) . ".$_[1]" });
         print encode_json({ map { $_ => [sort keys %{ $plan->{$_} }] } grep { %{ $plan->{$_} } } keys %$plan });`,
        path,
        ...active,
      ]);
      return JSON.parse(stdout) as Record<string, string[]>;
    },
    { unsafeCleanup: true },
  );
}

async function write(directory: string, { units = {}, fstab = "" }: Side): Promise<void> {
  await mkdir(join(directory, "systemd/system"), { recursive: true });
  await writeFile(join(directory, "fstab"), fstab);
  for (const [name, text] of Object.entries(units)) {
    const file = join(directory, "systemd/system", name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}
