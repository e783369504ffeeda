/** Who may sign the log, by what its recovery key signed (A4); the vectors are those of every verifier. */
import { Frontier, leafHash, parseKey, TileTree, utf8 } from "@secondwind/proof";
import { describe, expect, test } from "vitest";
import { vectors } from "../../proof/test/vectors.ts";
import { Keep } from "../src/keep.ts";
import { isKeyChange, KeyHistory, readHint } from "../src/ledger/keys.ts";
import { Signers } from "../src/ledger/signers.ts";

const { entries, heads, key } = vectors("rotation");
const FIRST = parseKey(key);
const GENESIS = entries[0] as string;
const CHANGES = entries.filter((text) => isKeyChange(JSON.parse(text).type));
const ALL = [GENESIS, ...CHANGES];
const noteOf = (name: string) => heads.find((head) => head.name === name)?.note as string;
const NEW_KEY_ALONE = noteOf("the third key");

/** The tiles over the first `size` of these texts. */
function tree(texts: readonly string[], size: number): TileTree {
  const leaves = texts.slice(0, size).map((text) => leafHash(utf8(text)));
  const frontier = new Frontier();
  for (const leaf of leaves) frontier.append(leaf);
  const head = { origin: FIRST.name, size, root: frontier.root(), note: "" };
  return new TileTree(head, async () => new Uint8Array(leaves.flatMap((leaf) => [...leaf])));
}

/** A change that the log's own key signed, or nobody: the recovery key's signature with its first byte changed. */
function forged(text: string): string {
  return text.replace(/"signature":"(.)/, (_, first) => `"signature":"${first === "A" ? "B" : "A"}`);
}

describe("what the service says of its keys", () => {
  test.each([
    ["a 0 -\n", "a", 0],
    ["a 0 -\nb 12 -\n", "a", 1],
    ["a 0 16\nb 12 -\n", "a", 2],
    ["a 0 16\nb 12 21\nc 20 -\n", "a", 4],
    ["", "", 0],
  ])("%j counts as changes", (answer, first, changes) => {
    expect(readHint(answer)).toEqual({ first, changes });
  });
});

describe("the keys in force", () => {
  test.each(heads.map((head) => [head.name, head] as const))("%s", async (_, { code, note, size }) => {
    const keys = await KeyHistory.of(FIRST, ALL);
    if (code === null) expect((await keys.open(note)).size).toBe(size);
    else await expect(keys.open(note)).rejects.toMatchObject({ code });
    const then = await keys.before(size);
    if (code === null) expect((await then.open(note)).size).toBe(size);
  });

  test("are the same in whatever order and however often the changes are told", async () => {
    const keys = await (await KeyHistory.of(FIRST, [GENESIS])).with([...CHANGES].reverse());
    expect((await keys.with(CHANGES)).textsBefore(24)).toEqual(ALL);
    expect(keys.textsBefore(10)).toEqual(ALL.slice(0, 2));
    expect([keys.changes, keys.nameable(5).text === key, keys.nameable(17).text === key]).toEqual([4, true, false]);
  });

  test("are unknown where entry 0 is of another key, is missing, or is another entry", async () => {
    const other = parseKey(vectors("rotation").recovery_key);
    await expect(KeyHistory.of({ ...FIRST, text: other.text }, ALL)).rejects.toMatchObject({
      code: "signature-invalid",
    });
    await expect(KeyHistory.of(FIRST, [])).rejects.toMatchObject({ code: "genesis-invalid" });
    await expect(KeyHistory.of(FIRST, CHANGES)).rejects.toMatchObject({ position: 0 });
  });

  test("no key is believed that the recovery key did not sign, and the evidence shows it (A4)", async () => {
    const keys = await KeyHistory.of(FIRST, [GENESIS]);
    const shown = forged(CHANGES[0] as string);
    await expect(keys.with([shown])).rejects.toMatchObject({ code: "key-invalid", position: 6 });
    await expect(keys.with([entries[7] as string])).rejects.toMatchObject({ code: "key-invalid", position: 7 });
    await expect(keys.open(NEW_KEY_ALONE)).rejects.toMatchObject({ code: "signature-missing" });
    const text = keys.evidence("key-invalid: why", [shown], NEW_KEY_ALONE);
    for (const part of [key, keys.recovery?.text, GENESIS, shown, NEW_KEY_ALONE, "why"]) expect(text).toContain(part);
  });

  test("are proved only where each change stands in the signed tree, unless it was proved before", async () => {
    const keys = await KeyHistory.of(FIRST, ALL);
    await keys.prove(tree(entries, 24), []);
    const without = entries.map((text, position) => (position === 10 ? "another" : text));
    await expect(keys.prove(tree(without, 24), [])).rejects.toMatchObject({ code: "tile-mismatch", position: 10 });
    await keys.prove(tree(without, 24), [CHANGES[1] as string]);
  });
});

describe("while the page is open", () => {
  test("a head waits for the entries that may name its key, and is opened once they came", async () => {
    const signers = new Signers(await KeyHistory.of(FIRST, [GENESIS]));
    expect(await signers.open(NEW_KEY_ALONE, () => 6)).toBeUndefined();
    expect([signers.due(23), signers.due(24), signers.due(24)]).toEqual([undefined, NEW_KEY_ALONE, undefined]);
    const followed = CHANGES.map((text) => signers.follow(text));
    expect((await signers.open(NEW_KEY_ALONE, () => 24))?.size).toBe(24);
    await Promise.all(followed);
  });

  test("a head that no key of these entries signed is refused once they all came", async () => {
    const signers = new Signers(await KeyHistory.of(FIRST, [GENESIS]));
    await expect(signers.open(NEW_KEY_ALONE, () => 24)).rejects.toMatchObject({ code: "signature-missing" });
  });

  test("a forged change is refused, and changes nothing (A4)", async () => {
    const signers = new Signers(await KeyHistory.of(FIRST, [GENESIS]));
    await expect(signers.follow(forged(CHANGES[0] as string))).rejects.toMatchObject({ code: "key-invalid" });
    expect(signers.keys.changes).toBe(0);
    expect((await signers.open(noteOf("the first key alone"), () => 5))?.size).toBe(5);
  });
});

describe("what is kept of the keys", () => {
  const held = new Map<string, string>();
  const keep = new Keep({ getItem: (name) => held.get(name) ?? null, setItem: (name, text) => held.set(name, text) });

  test("are the entries themselves; fewer never replace more, and what is no entry is nothing", () => {
    keep.keepKeys(FIRST);
    expect([keep.hasPinned(FIRST), keep.keyEntries(FIRST.name)]).toEqual([true, undefined]);
    keep.keepKeys(FIRST, ALL);
    keep.keepKeys(FIRST, [GENESIS]);
    expect(keep.keyEntries(FIRST.name)).toEqual(ALL);
    held.set(`secondwind.keys:${FIRST.name}`, "spoiled");
    expect(keep.keyEntries(FIRST.name)).toBeUndefined();
  });
});
