import { expect as vitestExpect, type ExpectStatic, type MatcherResult } from "vitest";
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
  type ExpectedCertificate,
  type ExpectedMount,
  type ExpectedPackage,
  type ExpectedResolution,
  type ExpectedResponse,
  type ExpectedSchedule,
  type Expectation,
  type FileType,
} from "../machine/index.ts";
import { UsageError } from "../errors.ts";
import { mustBeAwaited } from "./awaited.ts";
import type { GuestMatchers } from "./guest-matchers.ts";
import { readCall, type Signature } from "./matcher-call.ts";
import { kindsOf, nameOf } from "./subject-name.ts";

export type { GuestMatchers, MatcherOnlyFor, MatcherOptions } from "./guest-matchers.ts";

declare module "vitest" {
  // oxlint-disable-next-line typescript/no-explicit-any -- must repeat vitest's own declaration
  interface Matchers<T = any> extends GuestMatchers<T> {}
}

type Kind<Subject> = abstract new (...constructor: never[]) => Subject;

/** How a matcher looks at subjects of one kind. */
interface Row extends Omit<Signature, "name"> {
  readonly kind: Kind<object>;
  readonly expects: (subject: never, argument: never) => Expectation;
}

/** A matcher that is told nothing but options. */
function on<Subject extends object, Options>(
  kind: Kind<Subject>,
  expects: (subject: Subject, options: Options) => Expectation,
  ...properties: readonly (keyof Options & string)[]
): Row {
  return { kind, expects, takesExpected: false, properties };
}

/** A matcher that is told what to expect, and then options. */
function onWith<Subject extends object, Expected>(
  kind: Kind<Subject>,
  expects: (subject: Subject, expected: Expected) => Expectation,
  ...properties: readonly (keyof Expected & string)[]
): Row {
  return { kind, expects, takesExpected: true, properties };
}

type Names = string | readonly string[];

const table: Readonly<Record<keyof GuestMatchers<unknown>, readonly Row[]>> = {
  toBeActive: [on(Unit, (unit) => unit.active())],
  toBeEnabled: [on(Unit, (unit) => unit.enabled())],
  toBeFailed: [on(Unit, (unit) => unit.failed())],
  toBeMasked: [on(Unit, (unit) => unit.masked())],
  toBeScheduled: [
    on(Timer, (timer, options: ExpectedSchedule) => timer.scheduled(options), "withinMs"),
  ],

  toBeListening: [on(Port, (port) => port.listening()), on(Socket, (socket) => socket.listening())],
  toBeOpen: [on(Port, (port) => port.open())],
  toRespond: [
    onWith(
      Http,
      (http, response: ExpectedResponse) => http.responding(response),
      ...(["status", "body", "headers"] as const),
    ),
  ],
  toResolve: [on(Dns, (dns, options: ExpectedResolution) => dns.resolving(options), "to")],
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
  toBeMounted: [
    on(
      Mount,
      (mount, options: ExpectedMount) => mount.mounted(options),
      ...(["fsType", "source", "options"] as const),
    ),
  ],

  toHaveUid: [onWith(User, (user, uid: number) => user.withUid(uid))],
  toHaveHome: [onWith(User, (user, home: string) => user.withHome(home))],
  toHaveShell: [onWith(User, (user, shell: string | RegExp) => user.withShell(shell))],
  toBeMemberOf: [onWith(User, (user, groups: Names) => user.memberOf(groups))],
  toHaveAuthorizedKey: [onWith(User, (user, key: string) => user.authorizedBy(key))],
  toHaveGid: [onWith(Group, (group, gid: number) => group.withGid(gid))],
  toHaveMember: [onWith(Group, (group, users: Names) => group.withMember(users))],

  toBeRunning: [
    on(Process, (process, options: { count?: number }) => process.running(options), "count"),
  ],
  toHaveValue: [
    onWith(Sysctl, (sysctl, value: string | number | RegExp) => sysctl.withValue(value)),
  ],
  toBeLoaded: [on(KernelModule, (module) => module.loaded())],
  toHaveEntry: [onWith(Journal, (journal, message: string | RegExp) => journal.withEntry(message))],

  toBeInstalled: [
    on(Package, (package_, options: ExpectedPackage) => package_.installed(options), "version"),
  ],
  toBeInClosure: [on(StorePath, (path, options: { of?: string }) => path.inClosure(options), "of")],
  toBeValid: [
    on(
      Certificate,
      (certificate, options: ExpectedCertificate) => certificate.valid(options),
      ...(["forDays", "names"] as const),
    ),
  ],
};

for (const [name, rows] of Object.entries(table)) extend(name, rows);

function extend(name: string, rows: readonly Row[]): void {
  vitestExpect.extend({
    [name](subject: unknown, ...given: readonly unknown[]) {
      const holds = !this.isNot;
      return mustBeAwaited(look({ name, rows, subject, given, holds }), {
        text: `expect(${nameOf(subject)}).${holds ? "" : "not."}${name}()`,
        stack: new Error().stack,
        task: this.task,
        isChained: true,
      });
    },
  });
}

interface Look {
  readonly name: string;
  readonly rows: readonly Row[];
  readonly subject: unknown;
  readonly given: readonly unknown[];
  readonly holds: boolean;
}

async function look({ name, rows, subject, given, holds }: Look): Promise<Awaited<MatcherResult>> {
  const row = rows.find(({ kind }) => subject instanceof kind);
  if (row === undefined) {
    throw new UsageError(
      `${name} is for ${kindsOf(rows.map(({ kind }) => kind.name))} of a machine, not for ${nameOf(subject)}`,
    );
  }
  const { expected: argument, options } = readCall({ ...row, name }, given);
  const expectation = row.expects(subject as never, argument as never);
  const { timeoutMs } = options;
  const verdict = await observeUntil(expectation, { holds, timeoutMs });
  const evidence = verdict.pass ? [] : await gatherEvidence(expectation, verdict);
  const { actual, expected } = verdict;
  const comparable = holds && actual !== undefined && expected !== undefined;
  return {
    // vitest turns the result round for `.not` by itself.
    pass: holds ? verdict.pass : !verdict.pass,
    message: () => [verdict.message, ...evidence].join("\n"),
    ...(comparable ? { actual, expected } : {}),
    meta: verdict,
  };
}

/** vitest's `expect`, with matchers for everything that a machine can be asked about. */
export const expect: ExpectStatic = vitestExpect;
