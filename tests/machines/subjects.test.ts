// Each matcher on a real guest: once where it holds, and once where it does not and has to say what was there instead.
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { describe, expect, test, whileHolding, type Machine } from "dryboot/test";

const machine = "./tests/fixtures/machines/subjects.nix";
const once = { timeoutMs: 0 } as const;

const sailorsKey =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ7ZyQKlUOlBkyHmyvDLWYQ0mHnBYYOoS1TfD5Tz0e7r another comment";

interface Fact {
  readonly matcher: string;
  readonly holds: (guest: Machine) => Promise<unknown>;
  /** The same matcher where it does not hold, and the lines that say so. */
  readonly fails: (guest: Machine) => Promise<unknown>;
  readonly says: readonly (string | RegExp)[];
}

const units: readonly Fact[] = [
  {
    matcher: "toBeActive, of a service",
    holds: (guest) => expect(guest.unit("nginx")).toBeActive(),
    fails: async (guest) => {
      await guest.startJob("fails");
      await expect(guest.unit("fails")).toBeActive();
    },
    says: [
      /^unit fails\.service of subjects was expected to be active, but has failed \(exit-code, status 7\) \(for .* known after /,
      /^status:$/m,
      /^journal:\n(?: .*\n)* .*nobody to greet$/m,
    ],
  },
  {
    matcher: "toBeActive, of a oneshot that has ended",
    holds: async (guest) => {
      await guest.startJob("succeeds-once");
      await expect(guest.unit("succeeds-once")).toBeActive();
      await expect(guest.unit("stays-after-once")).toBeActive();
    },
    fails: async (guest) => {
      await guest.stopJob("idle");
      await expect(guest.unit("idle")).toBeActive();
    },
    says: ["is inactive, and systemd has no job left that could start it", "known after"],
  },
  {
    matcher: "toBeActive, of a unit that restarts for ever",
    holds: async (guest) => {
      await guest.startJob("idle");
      await expect(guest.unit("idle")).toBeActive();
    },
    fails: async (guest) => {
      await guest.startJob("flaps");
      await expect(guest.unit("flaps"))
        .toBeActive()
        .finally(() => guest.stopJob("flaps"));
    },
    // Looked at while it runs for a moment, it has no exit code to tell.
    says: [
      /restarts for ever \(\d+ times so far; (?:exit-code, status 3|it ends each time)\)/,
      "known after",
      "status=3/",
    ],
  },
  {
    matcher: "toBeActive, of a unit whose condition is not met",
    holds: (guest) => expect(guest.unit("never-met")).not.toBeActive(once),
    fails: (guest) => expect(guest.unit("never-met")).toBeActive(),
    says: ["was skipped: a condition of it was not met"],
  },
  {
    matcher: "toBeActive, of a unit of a user",
    holds: async (guest) => {
      await guest.startJob("of-a-user", { user: "sailor" });
      await expect(guest.unit("of-a-user", { user: "sailor" })).toBeActive();
    },
    fails: (guest) => expect(guest.unit("of-a-user")).toBeActive(),
    says: ['users have such a unit: unit("of-a-user.service", { user })'],
  },
  {
    matcher: "toBeEnabled",
    holds: (guest) => expect(guest.unit("nginx")).toBeEnabled(),
    fails: (guest) => expect(guest.unit("idle")).toBeEnabled(once),
    says: ["to be enabled, but is static", "waited"],
  },
  {
    matcher: "toBeFailed",
    holds: (guest) => expect(guest.unit("fails")).toBeFailed(),
    fails: (guest) => expect(guest.unit("nginx")).toBeFailed(once),
    says: ["to have failed, but is active (running) (for "],
  },
  {
    matcher: "not.toBeFailed",
    holds: (guest) => expect(guest.unit("nginx")).not.toBeFailed(),
    fails: (guest) => expect(guest.unit("ngnix")).not.toBeFailed(),
    says: ["not to have failed, but does not exist; did you mean nginx.service? (known after "],
  },
  {
    matcher: "toBeMasked",
    holds: (guest) => expect(guest.unit("switched-off")).toBeMasked(),
    fails: (guest) => expect(guest.unit("nginx")).toBeMasked(once),
    says: ["to be masked, but can be started (loaded) (waited "],
  },
  {
    matcher: "toExist, of a unit",
    holds: (guest) => expect(guest.unit("nginx")).toExist(),
    fails: (guest) => expect(guest.unit("ngnix")).toExist(),
    says: ["does not exist; did you mean nginx.service?", "known after"],
  },
  {
    matcher: "toBeScheduled",
    holds: (guest) => expect(guest.timer("succeeds-once")).toBeScheduled({ withinMs: 86_400_000 }),
    fails: (guest) => expect(guest.timer("succeeds-once")).toBeScheduled({ withinMs: 1, ...once }),
    says: [
      // At three o'clock, and shortly before it, too.
      /to be scheduled within 1 ms, but elapses next at .* 03:00:00 .*, in \d/,
    ],
  },
];

const network: readonly Fact[] = [
  {
    matcher: "toBeListening, of a port",
    holds: (guest) => expect(guest.port(80, { address: "localhost" })).toBeListening(),
    fails: (guest) => expect(guest.port(81)).toBeListening(once),
    says: [
      /tcp port 81 of subjects was expected to be listening, but nobody listens on it; tcp ports in use: .*\b80\b/,
      /^listening:\n(?: .*\n)* {2}tcp 0\.0\.0\.0:80 +nginx \(pid \d+\)$/m,
    ],
  },
  {
    matcher: "toBeListening, of a port that takes IPv6 alone",
    holds: async (guest) => {
      await guest.succeed(
        "systemd-run --unit=six --socket-property=ListenStream=[::]:4006 --socket-property=BindIPv6Only=ipv6-only true",
      );
      await expect(guest.port(4006, { address: "::1" })).toBeListening();
    },
    fails: (guest) => expect(guest.port(4006, { address: "127.0.0.1" })).toBeListening(once),
    says: ["is listened on only at ::"],
  },
  {
    matcher: "toBeOpen",
    holds: (guest) => expect(guest.port(80)).toBeOpen(),
    fails: (guest) => expect(guest.port(81)).toBeOpen(once),
    says: ["to be open, but takes no connection (Connection refused)"],
  },
  {
    matcher: "toBeListening, of a Unix domain socket",
    holds: (guest) => expect(guest.socket("/run/knock.socket")).toBeListening(),
    fails: (guest) => expect(guest.socket("/run/knock.sock")).toBeListening(once),
    says: [
      "stream socket /run/knock.sock of subjects was expected to be listening, but does not exist",
      "did you mean /run/knock.socket?",
      /^listened on:\n(?: .*\n)* {2}\/run\/knock\.socket$/m,
    ],
  },
  {
    matcher: "toBeListening, of a datagram socket",
    holds: (guest) =>
      expect(guest.socket("/run/systemd/notify", { type: "datagram" })).toBeListening(),
    fails: (guest) => expect(guest.socket("/run/systemd/notify")).toBeListening(once),
    says: ["but is a datagram socket"],
  },
  {
    matcher: "toExist, of a socket",
    holds: (guest) => expect(guest.socket("/run/knock.socket")).toExist(),
    fails: (guest) => expect(guest.socket("/etc/hosts")).toExist(once),
    says: ["is something else than a socket"],
  },
  {
    matcher: "toRespond, from inside the guest",
    holds: (guest) =>
      expect(guest.http("http://localhost/")).toRespond({
        status: 200,
        body: "served by nginx",
        headers: { Server: /^nginx/ },
      }),
    fails: (guest) =>
      expect(guest.http("http://localhost/moved")).toRespond(
        { status: 200, headers: { "X-Served-By": "nginx" } },
        once,
      ),
    says: [
      "http://localhost/moved in subjects was expected to respond with 200",
      "but responds with 302; has no header X-Served-By",
      /^headers:\n(?: .*\n)* {2}location: http:\/\/localhost\/$/m,
    ],
  },
  {
    matcher: "toRespond, from the host",
    holds: async (guest) => {
      const options = { from: "host", insecure: true, followRedirects: true } as const;
      await expect(guest.http("http://localhost/moved", options)).toRespond({ status: 200 });
      await expect(guest.http("https://subjects.example.org:8443/", options)).toRespond({
        body: "served over TLS",
      });
    },
    fails: (guest) =>
      expect(guest.http("https://subjects.example.org:8443/", { from: "host" })).toRespond(
        { status: 200 },
        once,
      ),
    says: ["from the host of subjects was expected", "does not answer (self-signed certificate)"],
  },
  {
    matcher: "toRespond, over TLS from inside the guest",
    holds: (guest) =>
      expect(guest.http("https://127.0.0.1:8443/", { insecure: true })).toRespond({ status: 200 }),
    fails: (guest) =>
      expect(guest.http("https://127.0.0.1:8443/")).toRespond({ status: 200 }, once),
    says: [/does not answer \(.*certificate.*\)/],
  },
  {
    matcher: "toResolve",
    holds: (guest) => expect(guest.dns("neighbour.example.org")).toResolve({ to: "192.0.2.7" }),
    fails: (guest) =>
      expect(guest.dns("neighbour.example.org")).toResolve({ to: ["192.0.2.8"], ...once }),
    says: ["to resolve to 192.0.2.8, but resolves to 192.0.2.7", /^\/etc\/hosts:$/m],
  },
  {
    matcher: "toBeUp",
    holds: (guest) => expect(guest.interface("eth0")).toBeUp(),
    fails: async (guest) => {
      // dhcpcd switches on what it sees; the other end is out of its sight.
      await guest.succeed(
        "ip netns add apart && ip link add quiet type veth peer name quieter netns apart",
      );
      await expect(guest.interface("quiet")).toBeUp(once);
    },
    says: ["network interface quiet of subjects was expected to be up, but is down"],
  },
  {
    matcher: "toHaveAddress",
    holds: async (guest) => {
      await expect(guest.interface("eth0")).toHaveAddress("10.0.2.15");
      await expect(guest.interface("lo")).toHaveAddress("127.0.0.1/8");
    },
    fails: (guest) => expect(guest.interface("eth0")).toHaveAddress("192.0.2.1", once),
    says: [/to have the address 192\.0\.2\.1, but has the address\w* 10\.0\.2\.15\/24/],
  },
  {
    matcher: "toExist, of a network interface",
    holds: (guest) => expect(guest.interface("lo")).toExist(),
    fails: (guest) => expect(guest.interface("eth1")).toExist(once),
    says: ["does not exist; did you mean eth0"],
  },
  {
    matcher: "toBeValid, of a certificate in a file",
    holds: (guest) =>
      expect(guest.certificate("/etc/subjects/certificate.pem")).toBeValid({
        forDays: 30,
        names: ["subjects.example.org", "127.0.0.1"],
      }),
    fails: async (guest) => {
      const expired = readFileSync(
        new URL("../fixtures/certificates/expired.pem", import.meta.url),
        "utf8",
      );
      await guest.writeFile("/tmp/expired.pem", expired);
      await expect(guest.certificate("/tmp/expired.pem")).toBeValid({
        names: ["new.example.org"],
        ...once,
      });
    },
    says: [
      "to be valid for new.example.org, but expired on 2001-01-01; is not made out to new.example.org, only to old.example.org",
    ],
  },
  {
    matcher: "toBeValid, of a certificate that a server shows",
    holds: (guest) =>
      expect(guest.certificate({ port: 8443 })).toBeValid({ names: ["subjects.example.org"] }),
    fails: (guest) => expect(guest.certificate({ port: 80 })).toBeValid(once),
    says: [
      /certificate at port 80 of subjects was expected to be valid, but no server shows one \(/,
    ],
  },
];

const files: readonly Fact[] = [
  {
    matcher: "toExist, of a file",
    holds: (guest) => expect(guest.file("/etc/subjects/greeting")).toExist(),
    fails: (guest) => expect(guest.file("/etc/subjects/greetings")).toExist(once),
    says: ["does not exist; did you mean /etc/subjects/greeting?"],
  },
  {
    matcher: "toExist, of a file that cannot come",
    holds: (guest) => expect(guest.file("/nowhere/at/all")).not.toExist(),
    fails: async (guest) => {
      await guest.succeed("mkdir -p /frozen && mount -t tmpfs -o ro none /frozen");
      await expect(guest.file("/frozen/file")).toExist();
    },
    says: [
      "does not exist; it cannot come, for /frozen is on a file system that is read-only",
      "known after",
    ],
  },
  {
    matcher: "toHaveContent",
    holds: async (guest) => {
      await expect(guest.file("/etc/subjects/greeting")).toHaveContent("hello\n");
      await expect(guest.file("/etc/subjects/greeting")).toHaveContent(/^h.llo$/m);
    },
    fails: (guest) => expect(guest.file("/etc/subjects/greeting")).toHaveContent("hullo\n", once),
    says: ['to have the content "hullo\\n", but has the content "hello\\n"'],
  },
  {
    matcher: "toHaveMode",
    holds: (guest) => expect(guest.file("/etc/subjects/greeting")).toHaveMode("0640"),
    fails: (guest) => expect(guest.file("/etc/subjects/greeting")).toHaveMode(0o644, once),
    says: ["to have the mode 0644, but has the mode 0640"],
  },
  {
    matcher: "toHaveOwner",
    holds: (guest) => expect(guest.file("/home/sailor")).toHaveOwner("sailor:users"),
    fails: (guest) => expect(guest.file("/home/sailor")).toHaveOwner("root", once),
    says: ["to belong to root, but belongs to sailor:users"],
  },
  {
    matcher: "toHaveType",
    holds: async (guest) => {
      await expect(guest.file("/run/current-system")).toHaveType("link");
      await expect(guest.file("/run/current-system")).toHaveType("directory");
    },
    fails: (guest) => expect(guest.file("/etc/subjects/greeting")).toHaveType("directory", once),
    says: ["to be a directory, but is a file"],
  },
  {
    matcher: "toHaveTarget",
    holds: (guest) => expect(guest.file("/run/current-system")).toHaveTarget(/^\/nix\/store\//),
    fails: (guest) => expect(guest.file("/run/current-system")).toHaveTarget("/elsewhere", once),
    says: [/to point to "\/elsewhere", but points to "\/nix\/store\//],
  },
  {
    matcher: "toBeMounted",
    holds: (guest) =>
      expect(guest.mount("/scratch")).toBeMounted({
        fsType: "tmpfs",
        source: "scratch",
        options: ["nosuid", "size=4096k"],
      }),
    fails: (guest) =>
      expect(guest.mount("/scratch")).toBeMounted({ fsType: "ext4", options: ["ro"], ...once }),
    says: ["to be mounted as ext4 with ro, but is mounted as tmpfs; has the options rw, nosuid"],
  },
  {
    matcher: "toBeMounted, of a mount unit that failed",
    holds: (guest) => expect(guest.mount("/absent")).not.toBeMounted(),
    fails: async (guest) => {
      await guest.startJob("absent.mount");
      await expect(guest.mount("/absent")).toBeMounted();
    },
    says: [
      "mount /absent of subjects was expected to be mounted, but absent.mount has failed (exit-code)",
      "known after",
      /^journal:\n(?: .*\n)* .*nodev-nothing/m,
    ],
  },
  {
    matcher: "toBeMounted, at all",
    holds: (guest) => expect(guest.mount("/")).toBeMounted(),
    fails: (guest) => expect(guest.mount("/scratches")).toBeMounted(once),
    says: ["but nothing is mounted there; did you mean /scratch?"],
  },
];

const people: readonly Fact[] = [
  {
    matcher: "toExist, of a user",
    holds: (guest) => expect(guest.user("sailor")).toExist(),
    fails: (guest) => expect(guest.user("sialor")).toExist(once),
    says: [
      "user sialor of subjects was expected to exist, but does not exist; did you mean sailor?",
    ],
  },
  {
    matcher: "toHaveUid",
    holds: (guest) => expect(guest.user("sailor")).toHaveUid(4001),
    fails: (guest) => expect(guest.user("sailor")).toHaveUid(1000, once),
    says: ["to have the uid 1000, but has the uid 4001"],
  },
  {
    matcher: "toHaveHome",
    holds: (guest) => expect(guest.user("sailor")).toHaveHome("/home/sailor"),
    fails: (guest) => expect(guest.user("sailor")).toHaveHome("/root", once),
    says: ['to have the home "/root", but has the home "/home/sailor"'],
  },
  {
    matcher: "toHaveShell",
    holds: (guest) => expect(guest.user("sailor")).toHaveShell("bash"),
    fails: (guest) => expect(guest.user("sailor")).toHaveShell(/zsh$/, once),
    says: [/to have the shell \/zsh\$\/, but has the shell ".*\/bash"/],
  },
  {
    matcher: "toBeMemberOf",
    holds: (guest) => expect(guest.user("sailor")).toBeMemberOf(["users", "crew"]),
    fails: (guest) => expect(guest.user("sailor")).toBeMemberOf("wheel", once),
    says: ["to be a member of wheel, but is a member of users, crew"],
  },
  {
    matcher: "toHaveAuthorizedKey",
    holds: (guest) => expect(guest.user("sailor")).toHaveAuthorizedKey(sailorsKey),
    fails: (guest) => expect(guest.user("root")).toHaveAuthorizedKey(sailorsKey, once),
    says: ["has no authorized key"],
  },
  {
    matcher: "toExist, of a group",
    holds: (guest) => expect(guest.group("crew")).toExist(),
    fails: (guest) => expect(guest.group("crews")).toExist(once),
    says: ["does not exist; did you mean crew?"],
  },
  {
    matcher: "toHaveGid",
    holds: (guest) => expect(guest.group("crew")).toHaveGid(4000),
    fails: (guest) => expect(guest.group("crew")).toHaveGid(4, once),
    says: ["to have the gid 4, but has the gid 4000"],
  },
  {
    matcher: "toHaveMember",
    holds: async (guest) => {
      await expect(guest.group("crew")).toHaveMember("sailor");
      await expect(guest.group("users")).toHaveMember("sailor");
    },
    fails: (guest) => expect(guest.group("crew")).toHaveMember(["sailor", "root"], once),
    says: ["to have the member sailor, root, but has the member sailor"],
  },
];

const system: readonly Fact[] = [
  {
    matcher: "toBeRunning",
    holds: async (guest) => {
      await expect(guest.process("nginx", { user: "nginx" })).toBeRunning();
      await expect(guest.process("systemd-journald")).toBeRunning({ count: 1 });
    },
    fails: (guest) => expect(guest.process("nginx", { user: "sailor" })).toBeRunning(once),
    says: [
      "process nginx of subjects was expected to be running as sailor, but none of the 2 processes of that name is so",
      /^processes called nginx:\n(?: .*\n)* {2}\d+ nginx nginx: worker process/m,
    ],
  },
  {
    matcher: "toBeRunning, so many times",
    holds: (guest) => expect(guest.process("apache")).not.toBeRunning(),
    fails: (guest) => expect(guest.process("systemd-journald")).toBeRunning({ count: 2, ...once }),
    says: [/to be running 2 times, but is running \(pid \d+\)/],
  },
  {
    matcher: "toHaveValue",
    holds: (guest) => expect(guest.sysctl("kernel.sysrq")).toHaveValue(17),
    fails: (guest) => expect(guest.sysctl("kernel.sysrq")).toHaveValue("1", once),
    says: ['to have the value "1", but has the value "17"'],
  },
  {
    matcher: "toHaveValue, of a parameter that there is not",
    holds: (guest) => expect(guest.sysctl("net.ipv4.ip_local_port_range")).toHaveValue(/^\d+ \d+$/),
    fails: (guest) => expect(guest.sysctl("kernel.sysrg")).toHaveValue(1, once),
    says: ["does not exist; did you mean kernel.sysrq"],
  },
  {
    matcher: "toBeLoaded",
    holds: (guest) => expect(guest.kernelModule("dummy")).toBeLoaded(),
    fails: (guest) => expect(guest.kernelModule("dumy")).toBeLoaded(once),
    says: [
      "kernel module dumy of subjects was expected to be loaded, but is not loaded; did you mean dummy?",
    ],
  },
  {
    matcher: "toHaveEntry",
    holds: async (guest) => {
      const mark = await guest.journal().mark();
      await guest.succeed("logger -t subjects -p user.err 'all hands on deck'");
      const since = guest.journal({ identifier: "subjects", priority: "err", since: mark });
      await expect(since).toHaveEntry("hands on deck");
      await expect(since).toHaveEntry(/^all .* deck$/);
    },
    fails: (guest) =>
      expect(guest.journal({ unit: "fails.service" })).toHaveEntry("somebody to greet", once),
    says: [
      /journal of fails\.service of subjects was expected to have an entry with "somebody to greet", but no such one is among its \d+ /,
      /^the journal.*:\n(?: .*\n)* .*nobody to greet$/m,
    ],
  },
  {
    matcher: "toBeInstalled",
    holds: (guest) => expect(guest.package("jq")).toBeInstalled({ version: /^\d/ }),
    fails: (guest) => expect(guest.package("jqq")).toBeInstalled(once),
    says: [
      "package jqq of subjects was expected to be installed, but is not installed; did you mean jq",
    ],
  },
  {
    matcher: "toBeInstalled, in a version",
    holds: (guest) => expect(guest.package("no-such-package")).not.toBeInstalled(),
    fails: (guest) => expect(guest.package("jq")).toBeInstalled({ version: "0", ...once }),
    says: [/to be installed in version "0", but is installed in version \d/],
  },
  {
    matcher: "toExist, of a store path",
    holds: async (guest) => expect(guest.storePath(await guest.currentSystem())).toExist(),
    fails: (guest) => expect(guest.storePath("/nix/store/nothing")).toExist(once),
    says: ["store path /nix/store/nothing of subjects was expected to exist, but does not exist"],
  },
  {
    matcher: "toBeInClosure",
    holds: async (guest) => {
      const nginx = await guest.succeed("systemctl show --value --property=FragmentPath nginx");
      const path = (await guest.succeed(`readlink -f ${nginx}`)).trim();
      await expect(guest.storePath(path)).toBeInClosure();
    },
    fails: (guest) => expect(guest.storePath("/nix/store/nothing")).toBeInClosure(once),
    says: ["to be in the closure of /run/current-system, but does not exist"],
  },
];

/** What a matcher says that does not hold. */
async function failureOf(attempt: Promise<unknown>): Promise<string> {
  const error: unknown = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error, "the matcher holds").toBeInstanceOf(Error);
  return (error as Error).message;
}

describe.for([
  ["units", units],
  ["network", network],
  ["files", files],
  ["people", people],
  ["system", system],
] as const)("%s:", ([, facts]) => {
  test.for(facts)("$matcher", async ({ holds, fails, says }, { machines }) => {
    const guest = await machines.shared(machine);
    await holds(guest);
    const message = await failureOf(fails(guest));
    for (const line of says) {
      if (typeof line === "string") expect(message).toContain(line);
      else expect(message).toMatch(line);
    }
  });
});

describe("the names of NixOS's driver", () => {
  test("units are asked, started, stopped and waited for", async ({ machines }) => {
    const guest = await machines.shared(machine);
    await guest.background("systemctl start succeeds-once idle");
    await guest.waitForUnit("idle");
    await guest.waitForUnit("succeeds-once.service");
    await guest.waitForUnit("multi-user.target");
    expect(await guest.getUnitProperty("idle", "SubState")).toBe("running");
    expect(await guest.getUnitInfo("nginx")).toMatchObject({ Id: "nginx.service" });
    await guest.requireUnitState("idle");
    expect((await guest.stopJob("idle")).exitCode).toBe(0);
    await guest.requireUnitState("idle", "inactive");
    expect(await failureOf(guest.requireUnitState("idle"))).toContain(
      "unit idle.service of subjects was expected to be active, but is inactive (dead)",
    );
    const { stdout } = await guest.systemctl(["is-active", "of-a-user"], { user: "sailor" });
    expect(stdout).toBe("active\n");
    expect(await failureOf(guest.waitForUnit("idel"))).toContain("did you mean idle.service");
    expect(await failureOf(guest.getUnitProperty("idle", "Colour"))).toContain(
      "no property Colour",
    );
  });

  test("ports, sockets and the console are waited for", async ({ machines }) => {
    const guest = await machines.shared(machine);
    await guest.waitForOpenPort(80);
    await guest.waitForClosedPort(81);
    await guest.waitForOpenUnixSocket("/run/knock.socket");
    expect(await failureOf(guest.waitForOpenPort(81, { timeoutMs: 0 }))).toContain(
      "tcp port 81 at localhost of subjects was expected to be open",
    );
    const since = guest.console.mark();
    await guest.succeed("printf 'one\\ntwo' >/dev/ttyS0");
    await guest.waitForConsoleText(/one\s+two/, { since });
    await guest.waitForConsoleText("two", { since });
    expect(guest.consoleText()).toMatch(/one\s+two/);
    expect(guest.isUp).toBe(true);
    expect(await guest.monitorCommand("info status")).toContain("VM status: running");
  });

  test("a wait ends at its limit whatever its look does, and leaves no command behind", async ({
    machines,
  }) => {
    const guest = await machines.shared(machine);
    const begun = guest.waitUntilSucceeds("echo begun; sleep 4322; false", { timeoutMs: 1000 });
    expect(await failureOf(begun)).toMatch(/to succeed, but it did not end within .* \(waited /);

    await guest.monitorCommand("stop");
    const frozen = guest.waitUntilSucceeds("sleep 4322", once);
    expect(await failureOf(frozen)).toMatch(/to succeed, but it did not end within .* \(waited /);
    await guest.monitorCommand("cont");

    await expect(guest.process("sleep", { commandLine: /4322/ })).not.toBeRunning();
    // As many as run at once.
    await Promise.all(Array.from({ length: 8 }, () => guest.run("sleep 0.1")));
  });

  test("Ctrl-C and Ctrl-A at the console are the guest's", async ({ machines }) => {
    const guest = await machines.shared(machine);
    const since = guest.console.mark();
    guest.console.send("head -c 3 | od -A n -t x1; sleep 4321\r");
    await expect(guest.process("head")).toBeRunning();
    guest.console.send("\x01\x01\n");
    await guest.waitForConsoleText("01 01 0a", { since });
    await expect(guest.process("sleep", { commandLine: /4321/ })).toBeRunning();
    guest.console.send("\x03");
    await expect(guest.process("sleep", { commandLine: /4321/ })).not.toBeRunning();
    guest.console.send("echo st''ill here\r");
    await guest.waitForConsoleText("still here", { since });
  });

  test("what is typed on the keyboard is read from the display", async ({ machines }) => {
    const guest = await machines.shared(machine);
    await guest.background(
      'exec </dev/tty1 >/dev/tty1; echo ready; read -r line; echo "got <$line>"; sleep 100',
    );
    await guest.waitUntilTtyMatches(1, /^ready$/m);
    await guest.sendChars("Typed: #1 (a|B)\n");
    await guest.waitUntilTtyMatches(1, "got <Typed: #1 (a|B)>");
    expect(await failureOf(guest.waitUntilTtyMatches(1, "never", { timeoutMs: 0 }))).toContain(
      'tty1 of subjects was expected to show "never", but ends with "got <Typed: #1 (a|B)>"',
    );
  });

  test("trees are copied there and back", async ({ machines }) => {
    const guest = await machines.shared(machine);
    await using local = await directory();
    const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 7) % 256);
    await mkdir(join(local.path, "tree", "below"), { recursive: true });
    await writeFile(join(local.path, "tree", "below", "it's a file"), bytes);
    let sent = 0;
    await guest.upload(join(local.path, "tree"), "/tmp/copied/tree", {
      onProgress: (progress) => (sent = progress.bytes),
    });
    expect(sent).toBe(bytes.length);
    await guest.download("/tmp/copied", join(local.path, "back"));
    const back = await readFile(join(local.path, "back", "tree", "below", "it's a file"));
    expect(new Uint8Array(back)).toEqual(bytes);
  });
});

/** A directory of this host for one test. */
async function directory(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "subjects-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

test("a failure tells the way to what was seen last", async ({ machines }) => {
  const guest = await machines.shared(machine);
  const background = await guest.background("sleep 1; echo one >/tmp/later; sleep 100");
  const message = await failureOf(
    expect(guest.file("/tmp/later")).toHaveContent("two\n", { timeoutMs: 5_000 }),
  );
  await background.stop();
  expect(message).toMatch(
    /\nseen:\n(?: {2}after .* {2}does not exist.*\n)+ {2}after .* {2}has the content "one\\n"$/,
  );
});

describe("a soft expectation", () => {
  const reached: string[] = [];

  test.fails("fails the test", async ({ machines }) => {
    const guest = await machines.shared(machine);
    await expect.soft(guest.file("/nowhere")).toExist(once);
    reached.push("behind it");
  });

  afterAll(() => {
    if (reached.length === 0) throw new Error("the test did not go on behind the soft expectation");
  });
});

describe("from outside, through QEMU,", () => {
  test("a forwarded port leads into the guest until its network is blocked", async ({
    machines,
  }) => {
    const guest = await machines.shared(machine);
    await expect(guest.port(80)).toBeListening();

    const port = await guest.forward(80);
    expect(await front(port)).toContain("served by nginx");

    await guest.block();
    await expect(front(port, 3000)).rejects.toThrow();
    await guest.unblock();
    expect(await front(port)).toContain("served by nginx");
  });

  test("a screenshot is an image, also beside another, and a key reaches the guest's keyboard", async ({
    machines,
  }) => {
    const guest = await machines.shared(machine);

    for (const image of await Promise.all([guest.screenshot(), guest.screenshot()])) {
      expect(Buffer.from(image).toString("latin1", 1, 4)).toBe("PNG");
    }

    await guest.sendKey("ret");
    await expect(guest.sendKey("no-such-key")).rejects.toThrow(
      /there is no key "no" in "no-such-key"/,
    );
  });

  test("QEMU is told and tells in its own protocol", async ({ machines }) => {
    const guest = await machines.shared(machine);

    const stopped = guest.waitForQmpEvent(["STOP", "SHUTDOWN"]);
    const found = guest.waitForQmpEvent(({ name, data }) => name === "STOP" && !("device" in data));
    await guest.qmp("stop");
    expect(await stopped).toMatchObject({ name: "STOP" });
    expect(await found).toEqual(await stopped);
    expect(await guest.qmp("query-status")).toMatchObject({ running: false });
    await guest.qmp("cont");
    await expect(guest.qmp("no-such-command")).rejects.toMatchObject({
      code: "USAGE",
      message: expect.stringMatching(/QEMU does not no-such-command: .*has not been found/),
    });
    await expect(guest.waitForQmpEvent("RTC_CHANGE", { timeoutMs: 100 })).rejects.toThrow(
      /was expected to tell of RTC_CHANGE, but did not within 100 ms/,
    );
  });

  test("what goes on while a condition holds ends with it, and asks nothing more", async ({
    machines,
  }) => {
    const guest = await machines.shared(machine);
    await guest.succeed("touch /run/held");

    const acting = whileHolding(
      () => guest.succeed("test -e /run/held"),
      async () => {
        await guest.succeed("rm /run/held");
        await guest.waitUntilSucceeds("false").catch(() => {});
        await guest.succeed("touch /run/too-late");
      },
      { intervalMs: 50, description: "the file" },
    );
    await expect(acting).rejects.toThrow(/^the file did not hold any more: .*test -e \/run\/held/);
    await guest.fail("test -e /run/too-late");
  });

  test("a panic that the console does not show fails what waits at once, and every later call", async ({
    machines,
  }) => {
    const guest = await machines.shared(machine);

    await guest.succeed("echo N >/sys/class/tty/ttyS0/console");
    // Later and by itself: over the console, commands are run one after the other.
    await guest.succeed("(sleep 2; echo c >/proc/sysrq-trigger) >/dev/null 2>&1 &");
    const waits = [
      guest.waitForConsoleText("never printed"),
      guest.waitUntilSucceeds("false"),
      guest.run("sleep 1000"),
    ];
    for (const outcome of await Promise.allSettled(waits)) {
      expect(outcome).toMatchObject({
        status: "rejected",
        reason: {
          code: "GUEST_LOST",
          exitCode: 4,
          message: expect.stringMatching(/kernel panic.*reported by QEMU/),
        },
      });
    }
    await expect(guest.run("true")).rejects.toMatchObject({ cause: { code: "GUEST_LOST" } });
  });
});

async function front(port: number, limitMs = 15_000): Promise<string> {
  const signal = AbortSignal.timeout(limitMs);
  return (await fetch(`http://127.0.0.1:${port}/`, { signal })).text();
}
