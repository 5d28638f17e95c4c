import fc from "fast-check";
import { expect, test } from "vitest";
import { createTextRing } from "../../../src/console/text-ring.ts";

test("a ring holds the last characters, whatever is appended, and says from where on", () => {
  const texts = fc.array(fc.string({ unit: "binary", maxLength: 12 }), { maxLength: 12 });
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 50 }), fc.nat(150), (parts, most, offset) => {
      const ring = createTextRing(most);
      for (const part of parts) ring.append(part);
      const all = parts.join("");
      expect([ring.start, ring.end]).toEqual([Math.max(0, all.length - most), all.length]);
      expect(ring.since(0)).toBe(all.slice(ring.start));
      expect(ring.since(offset)).toBe(all.slice(Math.max(offset, ring.start)));
    }),
    { numRuns: 500 },
  );
});

test("a ring grows to what it may hold", () => {
  const ring = createTextRing(1_000_000);
  for (let part = 0; part < 15; part += 1) ring.append(String(part % 10).repeat(100_000));
  expect(ring.since(0)).toHaveLength(1_000_000);
  expect(ring.since(0)).toMatch(/^5+6+7+8+9+0+1+2+3+4+$/);
});
