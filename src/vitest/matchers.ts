import { expect as vitestExpect, type ExpectStatic } from "vitest";
import {
  Certificate,
  Dns,
  File,
  gatherEvidence,
  Group,
  Http,
  Journal,
  KernelModule,
  Mount,
  NetworkInterface,
  observeUntil,
  Package,
  Port,
  Process,
  Socket,
  StorePath,
  Sysctl,
  Timer,
  Unit,
  User,
  type ExpectedResponse,
  type Expectation,
  type FileType,
} from "../machine/index.ts";
import type { GuestMatchers, MatcherOptions } from "./guest-matchers.ts";

export type { GuestMatchers, MatcherOptions } from "./guest-matchers.ts";

declare module "vitest" {
  // oxlint-disable-next-line typescript/no-explicit-any -- must repeat vitest's own declaration
  interface Matchers<T = any> extends GuestMatchers<T> {}
}

type Kind<Subject> = abstract new (...constructor: never[]) => Subject;

/** How a matcher looks at subjects of one kind. */
interface Row {
  readonly kind: Kind<object>;
  readonly expects: (subject: never, argument: never) => Expectation;
  /** The first argument is what is expected, and the options come after it; else they are all there is. */
  readonly takesExpected: boolean;
}

function on<Subject extends object, Options>(
  kind: Kind<Subject>,
  expects: (subject: Subject, options: Options) => Expectation,
): Row {
  return { kind, expects, takesExpected: false };
}

function onWith<Subject extends object, Expected>(
  kind: Kind<Subject>,
  expects: (subject: Subject, expected: Expected) => Expectation,
): Row {
  return { kind, expects, takesExpected: true };
}

type Names = string | readonly string[];

const table: Readonly<Record<keyof GuestMatchers<unknown>, readonly Row[]>> = {
  toBeActive: [on(Unit, (unit) => unit.active())],
  toBeEnabled: [on(Unit, (unit) => unit.enabled())],
  toBeFailed: [on(Unit, (unit) => unit.failed())],
  toBeMasked: [on(Unit, (unit) => unit.masked())],
  toBeScheduled: [on(Timer, (timer, options: object) => timer.scheduled(options))],

  toBeListening: [on(Port, (port) => port.listening()), on(Socket, (socket) => socket.listening())],
  toBeOpen: [on(Port, (port) => port.open())],
  toRespond: [onWith(Http, (http, response: ExpectedResponse) => http.responding(response))],
  toResolve: [on(Dns, (dns, options: object) => dns.resolving(options))],
  toBeUp: [on(NetworkInterface, (link) => link.up())],
  toHaveAddress: [onWith(NetworkInterface, (link, address: string) => link.withAddress(address))],

  toExist: [File, Group, NetworkInterface, Socket, StorePath, Unit, User].map((kind) =>
    on(kind as Kind<{ existing(): Expectation }>, (subject) => subject.existing()),
  ),
  toHaveContent: [onWith(File, (file, content: string | RegExp) => file.withContent(content))],
  toHaveMode: [onWith(File, (file, mode: number | string) => file.withMode(mode))],
  toHaveOwner: [onWith(File, (file, owner: string) => file.withOwner(owner))],
  toHaveType: [onWith(File, (file, type: FileType) => file.ofType(type))],
  toHaveTarget: [onWith(File, (file, target: string | RegExp) => file.withTarget(target))],
  toBeMounted: [on(Mount, (mount, options: object) => mount.mounted(options))],

  toHaveUid: [onWith(User, (user, uid: number) => user.withUid(uid))],
  toHaveHome: [onWith(User, (user, home: string) => user.withHome(home))],
  toHaveShell: [onWith(User, (user, shell: string | RegExp) => user.withShell(shell))],
  toBeMemberOf: [onWith(User, (user, groups: Names) => user.memberOf(groups))],
  toHaveAuthorizedKey: [onWith(User, (user, key: string) => user.authorizedBy(key))],
  toHaveGid: [onWith(Group, (group, gid: number) => group.withGid(gid))],
  toHaveMember: [onWith(Group, (group, users: Names) => group.withMember(users))],

  toBeRunning: [on(Process, (process, options: object) => process.running(options))],
  toHaveValue: [
    onWith(Sysctl, (sysctl, value: string | number | RegExp) => sysctl.withValue(value)),
  ],
  toBeLoaded: [on(KernelModule, (module) => module.loaded())],
  toHaveEntry: [onWith(Journal, (journal, message: string | RegExp) => journal.withEntry(message))],

  toBeInstalled: [on(Package, (package_, options: object) => package_.installed(options))],
  toBeInClosure: [on(StorePath, (path, options: object) => path.inClosure(options))],
  toBeValid: [on(Certificate, (certificate, options: object) => certificate.valid(options))],
};

for (const [name, rows] of Object.entries(table)) extend(name, rows);

function extend(name: string, rows: readonly Row[]): void {
  vitestExpect.extend({
    async [name](subject: unknown, ...given: readonly unknown[]) {
      const row = rows.find(({ kind }) => subject instanceof kind);
      if (row === undefined) throw new TypeError(`${name} is for ${kindsOf(rows)} of a machine`);
      const options = (given[row.takesExpected ? 1 : 0] ?? {}) as MatcherOptions;
      const argument = row.takesExpected ? given[0] : options;
      const expectation = row.expects(subject as never, argument as never);
      const { timeoutMs } = options;
      const verdict = await observeUntil(expectation, { holds: !this.isNot, timeoutMs });
      const evidence = verdict.pass ? [] : await gatherEvidence(expectation, verdict);
      const { actual, expected } = verdict;
      const comparable = !this.isNot && actual !== undefined && expected !== undefined;
      return {
        // vitest turns the result round for `.not` by itself.
        pass: this.isNot ? !verdict.pass : verdict.pass,
        message: () => [verdict.message, ...evidence].join("\n"),
        ...(comparable ? { actual, expected } : {}),
        meta: verdict,
      };
    },
  });
}

const words: Readonly<Record<string, string>> = {
  Dns: "host name",
  Http: "URL",
  KernelModule: "kernel module",
  NetworkInterface: "network interface",
  StorePath: "store path",
};

/** `a file, a group or a unit` */
function kindsOf(rows: readonly Row[]): string {
  const kinds = rows.map(({ kind: { name } }) => `a ${words[name] ?? name.toLowerCase()}`);
  const last = kinds.pop() ?? "";
  return kinds.length === 0 ? last : `${kinds.join(", ")} or ${last}`;
}

/** vitest's `expect`, with matchers for everything that a machine can be asked about. */
export const expect: ExpectStatic = vitestExpect;
