import { describe, expect, test } from "vitest";
import { fromBase64, type Opening, slotHash, toBase64, verifyOpening } from "../src/index.ts";
import { hashes, type Opened, vectors } from "./vectors.ts";

const { good, bad } = vectors("slots");
const opening = (one: Opened): Opening => ({ ...one, salt: fromBase64(one.salt), path: hashes(one.path) });

describe("an opening", () => {
  test.each(good)("of each slot of $type is what the entry committed to", ({ root, slot_hashes, openings }) => {
    expect(openings.map((one) => toBase64(slotHash(opening(one))))).toEqual(slot_hashes);
    for (const one of openings) verifyOpening(opening(one), slot_hashes.length as 8 | 16, fromBase64(root));
  });

  test.each(bad)("that is spoiled is refused: $name, $slot_count slots", ({ opening: one, slot_count, root }) => {
    const verify = () => verifyOpening(opening(one), slot_count, fromBase64(root));
    expect(verify).toThrow(expect.objectContaining({ code: "opening-invalid" }));
  });
});
