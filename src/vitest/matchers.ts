import { expect as vitestExpect, type ExpectStatic } from "vitest";
import {
  File,
  gatherEvidence,
  Http,
  observeUntil,
  Port,
  Unit,
  type Expectation,
  type ExpectedResponse,
} from "../machine/index.ts";

export interface MatcherOptions {
  /** How long to look before it counts as failed. @default 30000, and four times that under TCG */
  readonly timeoutMs?: number;
}

type Matcher<Expected extends readonly unknown[] = []> = (
  ...expected: [...Expected, options?: MatcherOptions]
) => Promise<void>;

/** A matcher that only subjects of one kind have. */
type Of<Subject, T, M> = T extends Subject ? M : never;

/** What a guest shows: looked at again until it holds, given up at once where it cannot hold any more. */
export interface GuestMatchers<T> {
  /** A unit is active, or was a oneshot that ended well. */
  toBeActive: Of<Unit, T, Matcher>;
  /** A unit is started at boot. */
  toBeEnabled: Of<Unit, T, Matcher>;
  /** A unit has failed. */
  toBeFailed: Of<Unit, T, Matcher>;
  /** Somebody listens on a port. */
  toBeListening: Of<Port, T, Matcher>;
  /** Something is at a path. */
  toExist: Of<File, T, Matcher>;
  /** A file's content: a string must be the whole of it, a pattern must match in it. */
  toHaveContent: Of<File, T, Matcher<[content: string | RegExp]>>;
  /** A file's permission bits, as a number (`0o644`) or in octal (`"0644"`). */
  toHaveMode: Of<File, T, Matcher<[mode: number | string]>>;
  /** A file's owner: `"user"` or `"user:group"`. */
  toHaveOwner: Of<File, T, Matcher<[owner: string]>>;
  /** A URL answers; of the response only what is given is compared. */
  toRespond: Of<Http, T, Matcher<[response: ExpectedResponse]>>;
}

declare module "vitest" {
  // oxlint-disable-next-line typescript/no-explicit-any -- must repeat vitest's own declaration
  interface Matchers<T = any> extends GuestMatchers<T> {}
}

type Kind<Subject> = abstract new (...constructor: never[]) => Subject;

interface Row {
  readonly kind: Kind<object>;
  readonly expects: (subject: never, expected: never) => Expectation;
  /** The first argument is what is expected; else it is the options. */
  readonly takesExpected: boolean;
}

function row<Subject extends object>(
  kind: Kind<Subject>,
  expects: (subject: Subject) => Expectation,
): Row {
  return { kind, expects, takesExpected: false };
}

function rowWith<Subject extends object, Expected>(
  kind: Kind<Subject>,
  expects: (subject: Subject, expected: Expected) => Expectation,
): Row {
  return { kind, expects, takesExpected: true };
}

const table: Readonly<Record<keyof GuestMatchers<unknown>, Row>> = {
  toBeActive: row(Unit, (unit) => unit.active()),
  toBeEnabled: row(Unit, (unit) => unit.enabled()),
  toBeFailed: row(Unit, (unit) => unit.failed()),
  toBeListening: row(Port, (port) => port.listening()),
  toExist: row(File, (file) => file.existing()),
  toHaveContent: rowWith(File, (file, content: string | RegExp) => file.withContent(content)),
  toHaveMode: rowWith(File, (file, mode: number | string) => file.withMode(mode)),
  toHaveOwner: rowWith(File, (file, owner: string) => file.withOwner(owner)),
  toRespond: rowWith(Http, (http, response: ExpectedResponse) => http.responding(response)),
};

for (const [name, matcherRow] of Object.entries(table)) extend(name, matcherRow);

function extend(name: string, { kind, expects, takesExpected }: Row): void {
  vitestExpect.extend({
    async [name](subject: unknown, ...given: readonly unknown[]) {
      if (!(subject instanceof kind)) {
        throw new TypeError(`${name} is for a ${kind.name.toLowerCase()} of a machine`);
      }
      const [expected, options] = takesExpected ? given : [undefined, given[0]];
      const expectation = expects(subject as never, expected as never);
      const verdict = await observeUntil(expectation, {
        holds: !this.isNot,
        ...(options as MatcherOptions | undefined),
      });
      const evidence = verdict.pass ? [] : await gatherEvidence(expectation);
      return {
        // vitest turns the result round for `.not` by itself.
        pass: this.isNot ? !verdict.pass : verdict.pass,
        message: () => [verdict.message, ...evidence].join("\n"),
        meta: verdict,
      };
    },
  });
}

/** vitest's `expect`, with matchers for units, ports, files and URLs of a guest. */
export const expect: ExpectStatic = vitestExpect;
