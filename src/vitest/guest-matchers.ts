import type {
  Certificate,
  Dns,
  ExpectedCertificate,
  ExpectedMount,
  ExpectedPackage,
  ExpectedResolution,
  ExpectedResponse,
  ExpectedSchedule,
  File,
  FileType,
  Group,
  Http,
  Journal,
  KernelModule,
  Mount,
  NetworkInterface,
  Package,
  Port,
  Process,
  Socket,
  StorePath,
  Sysctl,
  Timer,
  Unit,
  User,
} from "../machine/index.ts";

export interface MatcherOptions {
  /** How long to look before it counts as failed. @default 30000, and four times that under TCG */
  readonly timeoutMs?: number;
}

/** A matcher whose expectation is its first argument. */
type Matcher<Expected extends readonly unknown[] = []> = (
  ...expected: [...Expected, options?: MatcherOptions]
) => Promise<void>;

/** A matcher that may be told more than that it holds. */
type MatcherWith<Expected> = (options?: Expected & MatcherOptions) => Promise<void>;

/** What the compiler names where a matcher is used on another subject, or on something that is none. */
export interface MatcherOnlyFor<Subject> {
  readonly onlyFor: Subject;
}

/** A matcher that no `expect` can call; vitest's own types want it to be a function all the same. */
type Refused<Subject> = (this: MatcherOnlyFor<Subject>, ...given: unknown[]) => Promise<void>;

/** A matcher that only subjects of one kind have. */
type Of<Subject, T, M> = [T] extends [Subject] ? M : Refused<Subject>;

/** What a guest shows: looked at again until it holds, given up at once where it cannot hold any more. */
export interface GuestMatchers<T> {
  /** A unit is active, or was a oneshot that ended well. */
  toBeActive: Of<Unit, T, Matcher>;
  /** A unit is started at boot. */
  toBeEnabled: Of<Unit, T, Matcher>;
  /** A unit has failed. */
  toBeFailed: Of<Unit, T, Matcher>;
  /** A unit is switched off, so that nothing can start it. */
  toBeMasked: Of<Unit, T, Matcher>;
  /** A timer waits for a time that comes; with `withinMs`, that comes so soon. */
  toBeScheduled: Of<Timer, T, MatcherWith<ExpectedSchedule>>;

  /** Somebody listens on a port, or on a Unix domain socket. */
  toBeListening: Of<Port | Socket, T, Matcher>;
  /** A TCP port takes a connection from inside the guest. */
  toBeOpen: Of<Port, T, Matcher>;
  /** A URL answers; of the response only what is given is compared. */
  toRespond: Of<Http, T, Matcher<[response: ExpectedResponse]>>;
  /** A host name has an address; with `to`, these addresses among others. */
  toResolve: Of<Dns, T, MatcherWith<ExpectedResolution>>;
  /** A network interface is switched on, and its link carries. */
  toBeUp: Of<NetworkInterface, T, Matcher>;
  /** A network interface's address, with its prefix length (`10.0.2.15/24`) or without. */
  toHaveAddress: Of<NetworkInterface, T, Matcher<[address: string]>>;

  /** There is such a file, unit, user, group, socket, network interface or store path. */
  toExist: Of<File | Group | NetworkInterface | Socket | StorePath | Unit | User, T, Matcher>;
  /** A file's content: a string must be the whole of it, a pattern must match in it. */
  toHaveContent: Of<File, T, Matcher<[content: string | RegExp]>>;
  /** A file's permission bits, as a number (`0o644`) or in octal (`"0644"`). */
  toHaveMode: Of<File, T, Matcher<[mode: number | string]>>;
  /** A file's owner: `"user"` or `"user:group"`. */
  toHaveOwner: Of<File, T, Matcher<[owner: string]>>;
  /** A file's type; a link counts as one and as what it leads to. */
  toHaveType: Of<File, T, Matcher<[type: FileType]>>;
  /** Where a symbolic link itself points to: a string must be equal, a pattern must match. */
  toHaveTarget: Of<File, T, Matcher<[target: string | RegExp]>>;
  /** Something is mounted there, as this type, from this source, with these options among others. */
  toBeMounted: Of<Mount, T, MatcherWith<ExpectedMount>>;

  toHaveUid: Of<User, T, Matcher<[uid: number]>>;
  toHaveHome: Of<User, T, Matcher<[path: string]>>;
  /** A user's shell: its path, the name of its program, or a pattern. */
  toHaveShell: Of<User, T, Matcher<[shell: string | RegExp]>>;
  /** A user is in a group, or in all of several. */
  toBeMemberOf: Of<User, T, Matcher<[groups: string | readonly string[]]>>;
  /** A public key of ssh lets this user in; its comment is not compared. */
  toHaveAuthorizedKey: Of<User, T, Matcher<[key: string]>>;
  toHaveGid: Of<Group, T, Matcher<[gid: number]>>;
  /** A group has a user, or all of several. */
  toHaveMember: Of<Group, T, Matcher<[users: string | readonly string[]]>>;

  /** A process of that name runs; with `count`, exactly so many. */
  toBeRunning: Of<Process, T, MatcherWith<{ readonly count?: number }>>;
  /** A kernel parameter's value; several are parted by one blank. */
  toHaveValue: Of<Sysctl, T, Matcher<[value: string | number | RegExp]>>;
  /** A kernel module is loaded, or built into the kernel. */
  toBeLoaded: Of<KernelModule, T, Matcher>;
  /** The journal has an entry with this text in its message, or one that matches. */
  toHaveEntry: Of<Journal, T, Matcher<[message: string | RegExp]>>;

  /** A package is in the system's environment. */
  toBeInstalled: Of<Package, T, MatcherWith<ExpectedPackage>>;
  /** A store path is in the closure of another, of the running system's if nothing is said. */
  toBeInClosure: Of<StorePath, T, MatcherWith<{ readonly of?: string }>>;
  /** A certificate is valid now, for so many days more, and made out to these names. */
  toBeValid: Of<Certificate, T, MatcherWith<ExpectedCertificate>>;
}
