/** What the page remembers: earlier checkpoints, keys and evidence. */
import { type Checkpoint, Frontier, leafHash, parseKey, rootOf, TILE_WIDTH, TileTree, utf8 } from "@secondwind/proof";
import { describe, expect, test } from "vitest";
import { Keep, type Shelf } from "../src/keep.ts";
import { continues, contradict, evidence } from "../src/ledger/seen.ts";

const ORIGIN = "example.org/ledger";
const history = (name: string, count: number) =>
  Array.from({ length: count }, (_, i) => leafHash(utf8(`${name} ${i}`)));
const ours = history("ours", 700);
const another = [...ours.slice(0, 299), ...history("another", 401)];

function head(leaves: readonly Uint8Array[], size: number): Checkpoint {
  const frontier = new Frontier();
  for (const leaf of leaves.slice(0, size)) frontier.append(leaf);
  return { origin: ORIGIN, size, root: frontier.root(), note: noteOf(size) };
}

const noteOf = (size: number) => `${ORIGIN}\n${size}\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n— signature\n`;

/** The tiles of a history under the head of its first `size` entries. */
function tree(leaves: readonly Uint8Array[], size: number): TileTree {
  const complete = Array.from({ length: Math.floor(size / TILE_WIDTH) }, (_, n) =>
    rootOf(leaves.slice(TILE_WIDTH * n, TILE_WIDTH * (n + 1))),
  );
  return new TileTree(head(leaves, size), async (path) => {
    const [, level, n] = /^tile\/([01])\/([0-9]+)/.exec(path) as unknown as [string, string, string];
    const row = level === "0" ? leaves.slice(0, size) : complete;
    const from = TILE_WIDTH * Number(n);
    return new Uint8Array(row.slice(from, from + TILE_WIDTH).flatMap((hash) => [...hash]));
  });
}

describe("a later visit", () => {
  test.each([
    [0, 0],
    [0, 5],
    [5, 5],
    [5, 6],
    [255, 256],
    [256, 512],
    [299, 700],
    [512, 513],
    [700, 700],
  ])("that saw %i entries goes on with %i of the same log", async (seen, size) => {
    await continues(head(ours, seen), tree(ours, size));
  });

  test.each([
    [300, 300],
    [300, 301],
    [512, 512],
    [512, 700],
    [699, 700],
  ])("that saw %i entries tells a fork from %i of another log", async (seen, size) => {
    await expect(continues(head(ours, seen), tree(another, size))).rejects.toMatchObject({ code: "fork" });
  });

  test.each([
    [1, 0],
    [300, 299],
    [700, 1],
  ])("that saw %i entries tells a rollback to %i, of whatever log", async (seen, size) => {
    await expect(continues(head(ours, seen), tree(ours, size))).rejects.toMatchObject({ code: "rollback" });
  });

  test("is not told by two heads alone, unless they are of one size", () => {
    expect(contradict(head(ours, 300), head(another, 300))).toBe(true);
    expect(contradict(head(ours, 300), head(another, 301))).toBe(false);
    expect(contradict(head(ours, 299), head(another, 299))).toBe(false);
  });
});

test.each([
  [512, "do not hash to the first head's root"],
  [12, "the head of a shorter log"],
])("evidence holds both notes as they were signed, and says what is wrong with %i entries", (size, why) => {
  const text = evidence(head(ours, 300), head(another, size));
  expect(text).toContain(`--- seen before (in this browser) ---\n${noteOf(300)}`);
  expect(text.endsWith(`--- served now ---\n${noteOf(size)}`)).toBe(true);
  expect(text).toContain(why);
});

describe("what is kept", () => {
  const KEY = "ledger.example.org/main+c2e66373+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
  function shelf(): Shelf & { readonly held: Map<string, string> } {
    const held = new Map<string, string>();
    return { held, getItem: (name) => held.get(name) ?? null, setItem: (name, text) => void held.set(name, text) };
  }

  test("the key of the first visit is the only one believed", () => {
    const one = shelf();
    const key = new Keep(one).pin(KEY);
    expect([key.name, new Keep(one).hasPinned(key)]).toEqual(["ledger.example.org/main", false]);
    new Keep(one).keepKeys(key);
    expect([new Keep(one).pin(KEY).text, new Keep(one).hasPinned(key)]).toEqual([KEY, true]);
    one.held.set("secondwind.key:ledger.example.org/main", `${KEY} `);
    expect(() => new Keep(one).pin(KEY)).toThrow(/another key/);
  });

  test("the newest checkpoint stays, also when another tab verified an older one later", () => {
    const keep = new Keep(shelf());
    expect(keep.seen(ORIGIN)).toBeUndefined();
    for (const size of [10, 12, 11]) keep.remember(head(ours, size));
    expect(keep.seen(ORIGIN)).toBe(noteOf(12));
  });

  test("what is no checkpoint is replaced by one", () => {
    const one = shelf();
    one.held.set(`secondwind.seen:${ORIGIN}`, "spoiled");
    new Keep(one).remember(head(ours, 3));
    expect(new Keep(one).seen(ORIGIN)).toBe(noteOf(3));
  });

  test("evidence is not replaced by later evidence", () => {
    const keep = new Keep(shelf());
    keep.keepEvidence(ORIGIN, "first");
    keep.keepEvidence(ORIGIN, "second");
    expect(keep.evidence(ORIGIN)).toBe("first");
  });

  const forbidden = (): never => {
    throw new Error("SecurityError");
  };
  test.each([
    ["is none", undefined],
    ["is forbidden", { getItem: forbidden, setItem: forbidden }],
  ])("where a shelf %s, nothing is, and nothing breaks", (_, none) => {
    const keep = new Keep(none);
    keep.keepKeys(keep.pin(KEY), ["{}"]);
    expect([keep.pin(KEY).text, keep.hasPinned(parseKey(KEY))]).toEqual([KEY, false]);
    keep.remember(head(ours, 3));
    keep.keepEvidence(ORIGIN, "text");
    expect([keep.seen(ORIGIN), keep.evidence(ORIGIN)]).toEqual([undefined, undefined]);
  });
});
