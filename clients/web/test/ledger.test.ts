/** The page's pure parts: proving, folding, money. */

import { canonical, EMPTY_PREV, Frontier, leafHash, toBase64, utf8 } from "@secondwind/proof";
import { describe, expect, test } from "vitest";
import { fold, fromAnswer } from "../src/ledger/fold.ts";
import { formatAmount } from "../src/ledger/money.ts";
import { Prover } from "../src/ledger/prover.ts";
import { merge, prove, ROWS_LONGEST, ROWS_MAX, type Row } from "../src/ledger/rows.ts";

const ORIGIN = "example.org/ledger";
const FIRST = 5;

function gift(position: number, prev: string, amount = "2500"): string {
  return canonical({
    at: "2026-09-01T12:10:00.000000Z",
    data: { via: "processor" },
    log: ORIGIN,
    period: "2026-09",
    position,
    postings: [
      { account: "assets:cash", amount, asset: "USD/2", fund: "rent" },
      { account: "income:gifts", amount: `-${amount}`, asset: "USD/2", fund: "rent" },
    ],
    prev,
    type: "giving.gift.received.v1",
    v: 1,
  });
}

/** The tree over what stands before the first gift. */
function beginning(): Frontier {
  const frontier = new Frontier();
  for (let position = 0; position < FIRST; position++) frontier.append(leafHash(utf8(`${position}`)));
  return frontier;
}

/** Some gifts, and the root over the log before them and after each. */
function chain(count: number): { texts: string[]; roots: Uint8Array[] } {
  const frontier = beginning();
  const texts: string[] = [];
  const roots = [frontier.root()];
  let prev = EMPTY_PREV;
  for (let n = 0; n < count; n++) {
    const text = gift(FIRST + n, prev);
    const leaf = leafHash(utf8(text));
    frontier.append(leaf);
    prev = toBase64(leaf);
    texts.push(text);
    roots.push(frontier.root());
  }
  return { texts, roots };
}

const signed = (gifts: number, root: Uint8Array) => ({ origin: ORIGIN, size: FIRST + gifts, root, note: "" });

describe("the prover", () => {
  const { texts, roots } = chain(20);
  const root = (gifts: number) => roots[gifts] as Uint8Array;

  test("nothing is proved before a signed root says so", () => {
    const prover = new Prover(ORIGIN, beginning(), EMPTY_PREV);
    for (const text of texts) prover.accept(text);
    expect(prover.provedSize - FIRST).toBe(0);
    prover.compare(signed(12, root(12)));
    expect(prover.provedSize - FIRST).toBe(12);
    prover.compare(signed(20, root(20)));
    expect(prover.provedSize - FIRST).toBe(20);
  });

  test("a checkpoint that is ahead waits for its entries", () => {
    const prover = new Prover(ORIGIN, beginning(), EMPTY_PREV);
    prover.compare(signed(3, root(3)));
    for (const [i, text] of texts.slice(0, 3).entries()) {
      expect(prover.provedSize - FIRST).toBe(0);
      prover.accept(text);
      expect(prover.provedSize - FIRST).toBe(i === 2 ? 3 : 0);
    }
  });

  test("a late, older checkpoint takes nothing back", () => {
    const prover = new Prover(ORIGIN, beginning(), EMPTY_PREV);
    for (const text of texts) prover.accept(text);
    prover.compare(signed(20, root(20)));
    prover.compare(signed(5, root(5)));
    expect(prover.provedSize - FIRST).toBe(20);
  });

  test("a root of another history is refused", () => {
    const prover = new Prover(ORIGIN, beginning(), EMPTY_PREV);
    for (const text of texts) prover.accept(text);
    expect(() => prover.compare(signed(12, root(13)))).toThrow(/root/);
    expect(prover.provedSize - FIRST).toBe(0);
  });

  test("one changed byte is refused at its position", () => {
    const prover = new Prover(ORIGIN, beginning(), EMPTY_PREV);
    prover.accept(texts[0] as string);
    const changed = (texts[1] as string).replace('"2026-09"', '"2026-08"');
    prover.accept(changed); // by itself it is well formed
    expect(() => prover.accept(texts[2] as string)).toThrow(/does not continue/);
    expect(() => prover.compare(signed(2, root(2)))).toThrow(/root/);
  });
});

describe("totals", () => {
  const answer = {
    position: 4,
    funds: [
      {
        fund: "rent",
        title: "Rent",
        restriction: "restricted",
        assets: [{ asset: "USD/2", received_minor: "100", fees_minor: "3", available_minor: "97" }],
      },
    ],
  };

  test("an entry is folded once", () => {
    const entry = JSON.parse(gift(5, "x"));
    const once = fold(fromAnswer(answer), entry);
    expect(once.funds[0]?.received.get("USD/2")).toBe(2600n);
    expect(fold(once, entry)).toBe(once);
  });

  test("an entry that the snapshot has already changes nothing", () => {
    const before = fromAnswer(answer);
    expect(fold(before, JSON.parse(gift(4, "x")))).toBe(before);
  });
});

describe("rows", () => {
  const row = (position: number, proved = false): Row => ({
    position,
    text: "",
    entry: JSON.parse(gift(position, "x")),
    leaf: "",
    proved,
  });

  test("each position stands once, newest first, and proved stays proved", () => {
    const merged = merge([row(2, true), row(1)], [row(2), row(3)]);
    expect(merged.map((r) => [r.position, r.proved])).toEqual([
      [3, false],
      [2, true],
      [1, false],
    ]);
  });

  const span = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => row(from + i));

  test("without asking, as many are shown as fit; older ones that were asked for stay when new ones arrive", () => {
    const shown = merge([], span(800, 1_000));
    expect(merge(shown, [row(1_000)])).toHaveLength(ROWS_MAX);
    const asked = merge(shown, span(700, 800), 700);
    const later = span(1_000, 1_100).reduce((rows, one) => merge(rows, [one], 700), asked);
    expect(later.map((one) => one.position)).toEqual(Array.from({ length: 400 }, (_, i) => 1_099 - i));
    expect(merge([], span(0, ROWS_LONGEST + 50), 0)).toHaveLength(ROWS_LONGEST);
  });

  test("only rows of the live way below the signed size are marked", () => {
    expect(prove([row(9), row(5), row(1)], 3, 9).map((r) => r.proved)).toEqual([false, true, false]);
  });
});

test.each([
  [123456n, "USD/2", "$1,234.56"],
  [-5n, "USD/2", "−$0.05"],
  [1200n, "JPY", "1,200 JPY"],
  [12345n, "KWD/3", "12.345 KWD"],
  [0n, "USD/2", "$0.00"],
])("%s of %s is %s", (minor, asset, told) => {
  expect(formatAmount(minor, asset)).toBe(told);
});
