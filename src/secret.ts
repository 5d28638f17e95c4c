import { UsageError } from "./errors.ts";
import { hideFromNowOn, leastHiddenCharacters, mask } from "./hidden-text.ts";
import { quoteWord } from "./shell-quote.ts";

/** A value that dryboot shows nowhere; printed, it is a mask itself. */
export interface Secret {
  readonly isSecret: true;
  toString(): string;
  toJSON(): string;
}

const values = new WeakMap<Secret, string>();

/**
 * Hides a value: from now on a mask stands for it, and for each of its lines, in all that dryboot says in this process:
 * consoles and their recordings, errors, evidence, reports and progress. What a command gives back holds it as it is.
 *
 * @throws {UsageError} where it has no line of at least 4 characters, or more than 64 KiB
 * @example
 * await web.run("curl --fail --oauth2-bearer $TOKEN localhost", { environment: { TOKEN: secret(token) } });
 */
export function secret(value: string): Secret {
  hideContent(value, "a secret");
  const one: Secret = Object.freeze({ isSecret: true, toString: () => mask, toJSON: () => mask });
  values.set(one, value);
  return one;
}

/** What a secret stands for. */
export function reveal(value: string | Secret): string {
  return typeof value === "object" ? (values.get(value) ?? mask) : value;
}

const maxBytes = 64 * 1024;
const base64Columns = 76;

/** Hides the content of a file, by its lines where it is a text. @throws UsageError */
export function hideContent(content: string | Uint8Array, what: string): void {
  const bytes = Buffer.from(content);
  if (bytes.length > maxBytes) {
    throw new UsageError(
      `${what} has ${bytes.length} bytes, and at most ${maxBytes} can be hidden`,
    );
  }
  const forms = formsOf(bytes);
  if (forms.length === 0) {
    throw new UsageError(
      `${what} has no line of ${leastHiddenCharacters} characters: what is shorter cannot be hidden`,
    );
  }
  hideFromNowOn(forms);
}

/** Everything as which it may be printed. */
function formsOf(bytes: Buffer): string[] {
  const text = bytes.toString();
  // A replacement character says that these bytes are no text.
  const isText = Buffer.from(text).equals(bytes);
  const lines = isText ? linesOf(text) : [];
  if (isText && lines.length === 0) return [];
  const whole = isText ? [text, text.trimEnd()].filter((one) => one !== "") : [];
  const forms = new Set([
    ...[...whole, ...lines].flatMap((one) => [
      ...linesOf(one),
      ...linesOf(JSON.stringify(one).slice(1, -1)),
      ...linesOf(quoteWord(one).replace(/^'|'$/g, "")),
      ...linesOf(encodeURIComponent(one.toWellFormed())),
    ]),
    ...[bytes, ...lines.map((line) => Buffer.from(line))].flatMap(encodedForms),
  ]);
  return [...forms].filter((form) => form.length >= leastHiddenCharacters);
}

function linesOf(text: string): string[] {
  return text
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line.length >= leastHiddenCharacters);
}

/** In base64 three texts may stand for it, by where it begins in what is encoded. */
function encodedForms(bytes: Buffer): string[] {
  const base64 = [0, 1, 2].flatMap((offset) => {
    const whole = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
    const first = Math.ceil((offset * 8) / 6);
    const inner = whole.slice(first, Math.floor(((offset + bytes.length) * 8) / 6));
    return offset === 0 ? [inner, ...columns(inner)] : [inner];
  });
  const url = base64.map((form) => form.replaceAll("+", "-").replaceAll("/", "_"));
  const hex = bytes.toString("hex");
  return [...base64, ...url, hex, hex.toUpperCase()].filter(
    (form) => form.length >= leastHiddenCharacters,
  );
}

/** The lines of `base64`. */
function columns(text: string): string[] {
  return text.match(new RegExp(`.{1,${base64Columns}}`, "g")) ?? [];
}
