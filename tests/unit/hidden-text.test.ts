import fc from "fast-check";
import { expect, test } from "vitest";
import { hideFromNowOn, hideInStream, mask, withoutSecrets } from "../../src/hidden-text.ts";

// What is hidden stays so for all tests of this process: no other text has these letters.
const letters = fc.string({ unit: fc.constantFrom("ѣ", "ѳ", "ѵ"), minLength: 4, maxLength: 9 });
const between = fc.string({ unit: fc.constantFrom("a", "«", "\n", " ", "ѣ"), maxLength: 6 });
const texts = fc
  .tuple(fc.array(letters, { minLength: 1, maxLength: 3 }), fc.array(between, { minLength: 1 }))
  .map(([secrets, parts]) => ({
    secrets,
    text: parts.flatMap((part, index) => [part, secrets[index % secrets.length] ?? ""]).join(""),
  }));
const cuts = fc.array(fc.nat(60), { maxLength: 8 });

function piecesOf(text: string, places: readonly number[]): string[] {
  const sorted = [0, ...places.map((place) => place % (text.length + 1)), text.length].toSorted(
    (one, other) => one - other,
  );
  return sorted.slice(1).map((end, index) => text.slice(sorted[index], end));
}

test("no secret is left in a text, and nothing else is taken out of it", () => {
  fc.assert(
    fc.property(texts, ({ secrets, text }) => {
      hideFromNowOn(secrets);
      const clean = withoutSecrets(text);
      for (const secret of secrets) expect(clean).not.toContain(secret);
      expect(clean.replace(/[•ѣѳѵ]/g, "")).toBe(text.replace(/[ѣѳѵ]/g, ""));
    }),
  );
  expect(withoutSecrets("of no secret: a plain text")).toBe("of no secret: a plain text");
});

test("a text that comes in pieces is masked as one that comes whole, in characters and in bytes", () => {
  fc.assert(
    fc.property(texts, cuts, ({ secrets, text }, places) => {
      hideFromNowOn(secrets);
      const hidden = hideInStream();
      const shown = piecesOf(`${text}\n`, places).map((piece) => hidden.write(piece));
      expect(shown.join("")).toBe(withoutSecrets(`${text}\n`));

      const latin1 = (whole: string): string => Buffer.from(whole).toString("latin1");
      const ofBytes = hideInStream(latin1(mask));
      const bytes = piecesOf(latin1(`${text}\n`), places).map((piece) => ofBytes.write(piece));
      expect(Buffer.from(bytes.join(""), "latin1").toString()).toBe(withoutSecrets(`${text}\n`));
    }),
  );
});

test("what is held back is shown when asked for, and the rest of a secret never", () => {
  hideFromNowOn(["ѣ-kettle-ѣ"]);
  const hidden = hideInStream();
  expect(hidden.write("prompt ѣ-k")).toBe("prompt ");
  expect(hidden.release()).toBe("ѣ-k");
  expect(hidden.release()).toBe("");
  expect(hidden.write("e")).toBe("");
  // No letter with which anything may begin that other tests of this process have hidden.
  expect(hidden.write("ꙇꙇ")).toBe("eꙇꙇ");

  expect(hidden.write("ѣ-kett")).toBe("");
  expect(hidden.release()).toBe(mask);
  expect(hidden.write("le-ѣ!") + hidden.release()).toBe(`${mask}!`);
});

test("of a text that was cut, a part of a secret at its edges is hidden too", () => {
  hideFromNowOn(["ѳ0123456789"]);
  expect(withoutSecrets("456789 and ѳ0123", { isCut: true })).toBe(`${mask} and ${mask}`);
  expect(withoutSecrets("789 and ѳ01", { isCut: true })).toBe("789 and ѳ01");
});
