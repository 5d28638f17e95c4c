/** What stands where a secret was; its length says nothing. */
export const mask = "••••";

/** What is shorter stands in too many places that have nothing to do with it. */
export const leastHiddenCharacters = 4;

/** By their first four characters, the longest first. */
const formsByHead = new Map<string, readonly string[]>();
/** All beginnings of those, down to one character. */
const headBeginnings = new Set<string>();

/** From now on these texts are hidden in all that this process says; none may hold a line break. */
export function hideFromNowOn(forms: Iterable<string>): void {
  const more = new Map<string, string[]>();
  for (const text of forms) {
    // Where bytes are looked at, every byte is a character.
    for (const form of [text, Buffer.from(text).toString("latin1")]) {
      const head = form.slice(0, leastHiddenCharacters);
      if (head.length < leastHiddenCharacters) continue;
      const added = more.get(head) ?? [];
      added.push(form);
      more.set(head, added);
    }
  }
  for (const [head, added] of more) {
    const all = new Set([...(formsByHead.get(head) ?? []), ...added]);
    formsByHead.set(
      head,
      [...all].toSorted((one, other) => other.length - one.length),
    );
    for (let end = 1; end <= head.length; end += 1) headBeginnings.add(head.slice(0, end));
  }
}

/** How much from there on is hidden. */
function hiddenAt(text: string, at: number): number {
  if (!headBeginnings.has(text.charAt(at))) return 0;
  const forms = formsByHead.get(text.slice(at, at + leastHiddenCharacters)) ?? [];
  return forms.find((form) => text.startsWith(form, at))?.length ?? 0;
}

/** Whether the rest is the beginning of something longer that would be hidden. */
function mayBegin(text: string, at: number): boolean {
  if (!headBeginnings.has(text.charAt(at))) return false;
  const left = text.length - at;
  if (left < leastHiddenCharacters) return headBeginnings.has(text.slice(at));
  const forms = formsByHead.get(text.slice(at, at + leastHiddenCharacters)) ?? [];
  return forms.some((form) => form.length > left && form.startsWith(text.slice(at)));
}

/** How much of the beginning is the end of something that would be hidden. */
function hiddenBefore(text: string): number {
  let most = 0;
  for (const form of [...formsByHead.values()].flat()) {
    const longest = Math.min(form.length - 1, text.length);
    for (let length = longest; length >= leastHiddenCharacters && length > most; length -= 1) {
      if (text.startsWith(form.slice(-length))) most = length;
    }
  }
  return most;
}

/** The text with a mask for every secret; one that was cut somewhere may hold a part of one at its edges. */
export function withoutSecrets(
  text: string,
  { isCut = false }: { readonly isCut?: boolean } = {},
): string {
  if (formsByHead.size === 0) return text;
  let end = isCut ? hiddenBefore(text) : 0;
  let clean = end > 0 ? mask : "";
  for (let at = 0; at < text.length; at += 1) {
    const left = text.length - at;
    const isTornOff = isCut && left >= leastHiddenCharacters && mayBegin(text, at);
    const length = isTornOff ? left : hiddenAt(text, at);
    if (length === 0) continue;
    // What overlaps is hidden as one.
    if (at >= end) clean += text.slice(end, at) + mask;
    end = Math.max(end, at + length);
  }
  return clean + text.slice(end);
}

const deepest = 8;

/** The same for all texts in plain data; what has none is given back as it is. */
export function dataWithoutSecrets<T>(data: T, depth = 0): T {
  if (formsByHead.size === 0 || depth > deepest) return data;
  if (typeof data === "string") return withoutSecrets(data) as T;
  if (Array.isArray(data)) return data.map((one) => dataWithoutSecrets(one, depth + 1)) as T;
  if (typeof data !== "object" || data === null) return data;
  if (Object.getPrototypeOf(data) !== Object.prototype) return data;
  const entries = Object.entries(data).map(([key, one]) => [
    key,
    dataWithoutSecrets(one, depth + 1),
  ]);
  return Object.fromEntries(entries) as T;
}

/** {@link withoutSecrets} for a text that comes in pieces. */
export interface HiddenStream {
  /** Gives what can be shown: what may be the beginning of a secret is held back. */
  write(piece: string): string;
  /** Gives what is held back: all of it masked where it is long enough to matter. */
  release(): string;
}

export function hideInStream(shownMask: string = mask): HiddenStream {
  let held = "";
  /** How much of it a mask stands for already. */
  let covered = 0;
  /** How much of it was released. */
  let shown = 0;
  return {
    write(piece) {
      if (formsByHead.size === 0) return piece;
      const text = held + piece;
      let out = "";
      let end = covered;
      let at = 0;
      for (; at < text.length && !mayBegin(text, at); at += 1) {
        const length = hiddenAt(text, at);
        if (length === 0) continue;
        if (at >= end) out += text.slice(Math.max(end, shown), at) + shownMask;
        end = Math.max(end, at + length);
      }
      out += text.slice(Math.max(end, shown), at);
      held = text.slice(at);
      covered = Math.max(0, end - at);
      shown = Math.max(0, shown - at);
      return out;
    },
    release() {
      const rest = held.slice(Math.max(covered, shown));
      shown = held.length;
      return rest === "" || held.length < leastHiddenCharacters ? rest : shownMask;
    },
  };
}
