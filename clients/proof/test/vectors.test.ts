/** The shared vectors: what every verifier of this log must accept, and what it must refuse, with which code. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  EMPTY_PREV,
  EntryChecker,
  Frontier,
  fromBase64,
  inclusionRoot,
  leafHash,
  openCheckpoint,
  ProofFailure,
  parseKey,
  rootOf,
  sha256,
  toBase64,
  utf8,
} from "../src/index.ts";

// biome-ignore lint/suspicious/noExplicitAny: vectors are data; each test reads what it needs of them
const load = (name: string): any =>
  JSON.parse(readFileSync(new URL(`../../../tests/vectors/${name}`, import.meta.url), "utf8"));

const logs = load("entries-good.json").logs as { name: string; log: string; key: string; entries: string[] }[];
// What a page can judge without the log's registry; the rest is for verify.py and the signer.
const JUDGED = new Set([
  "entry-too-large",
  "entry-not-canonical",
  "log-mismatch",
  "position-mismatch",
  "prev-mismatch",
  "sum-not-zero",
  "postings-unsorted",
]);

function checkerAfter(name: string, count: number): EntryChecker {
  const log = logs.find((one) => one.name === name);
  if (log === undefined) throw new Error(`no log ${name}`);
  const checker = new EntryChecker(parseKey(log.key).name, 0, EMPTY_PREV);
  for (const entry of log.entries.slice(0, count)) checker.accept(entry);
  return checker;
}

describe("entries", () => {
  test.each(logs.map((log) => [log.name, log] as const))("the good log %s is accepted whole", (name, log) => {
    expect(checkerAfter(name, log.entries.length).next).toBe(log.entries.length);
  });

  const cases = (
    load("entries-bad.json").cases as { name: string; code: string; log: string; after: number; entry: string }[]
  ).filter((one) => JUDGED.has(one.code));
  test.each(cases.map((one) => [`${one.code}: ${one.name}`, one] as const))("%s", (_, one) => {
    const checker = checkerAfter(one.log, one.after);
    const text = new TextDecoder().decode(fromBase64(one.entry));
    expect(() => checker.accept(text)).toThrow(ProofFailure);
    expect(checker.next).toBe(one.after);
  });
});

describe("hashes", () => {
  test("sha256 equals WebCrypto's for every length around the block size", async () => {
    for (let length = 0; length < 200; length++) {
      const data = Uint8Array.from({ length }, (_, i) => (i * 7 + length) % 256);
      expect(toBase64(sha256(data))).toBe(toBase64(new Uint8Array(await crypto.subtle.digest("SHA-256", data))));
    }
  });

  test("roots of the reference tree", () => {
    const merkle = load("merkle.json");
    expect(Object.keys(merkle).length).toBeGreaterThan(0);
    const inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    const leaves = inputs.map((hex) =>
      leafHash(Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))),
    );
    expect(toBase64(rootOf(leaves))).toBe("XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=");
    expect(toBase64(rootOf(leaves.slice(0, 6)))).toBe("duZ9rbzfHhDht03cYIq9L5jfsW+851J3tSMqEn8gh+8=");
  });

  test("inclusion paths of every size up to 40 lead to the root, and to another root when anything is changed", () => {
    for (let size = 1; size <= 40; size++) {
      const leaves = Array.from({ length: size }, (_, i) => leafHash(utf8(`${i}`)));
      for (let index = 0; index < size; index++) {
        const path = pathOf(leaves, index);
        expect(toBase64(inclusionRoot(leaves[index] as Uint8Array, index, size, path))).toBe(toBase64(rootOf(leaves)));
        expect(() =>
          inclusionRoot(leaves[index] as Uint8Array, index, size, [...path, leaves[0] as Uint8Array]),
        ).toThrow();
      }
    }
  });

  test("a copied frontier grows by itself", () => {
    const one = new Frontier();
    one.append(leafHash(utf8("a")));
    const two = one.copy();
    two.append(leafHash(utf8("b")));
    expect([one.size, two.size]).toEqual([1, 2]);
    expect(toBase64(one.root())).not.toBe(toBase64(two.root()));
  });
});

function pathOf(leaves: Uint8Array[], index: number): Uint8Array[] {
  if (leaves.length <= 1) return [];
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return index < split
    ? [...pathOf(leaves.slice(0, split), index), rootOf(leaves.slice(split))]
    : [...pathOf(leaves.slice(split), index - split), rootOf(leaves.slice(0, split))];
}

describe("checkpoints", () => {
  const VKEY = "ledger.example.org/main+c2e66373+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
  const NOTE =
    "ledger.example.org/main\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n\n" +
    "— ledger.example.org/main wuZjc4Ip0Cntt50vSyVo0BKEcSsCDE5sbGd9TM7t621KslV9+JOqnukYlmh04Dp/FlhTH/pz9mPBF3oWDjWa5GIEwQM=\n" +
    "— witness.example.org/w1 88CAtgAAAABkGFDLtNGpN6fjr8uxNYSgtfhSDu+IHD0ltaJq7+Bt5o/NGjaw5cSDIFLL8CXpFnkJAhute5sdrvOLvm5Xb7NkuYELBw==\n";

  test("a signed checkpoint with a cosignature opens", async () => {
    const opened = await openCheckpoint(NOTE, parseKey(VKEY));
    expect([opened.origin, opened.size]).toEqual(["ledger.example.org/main", 8]);
  });

  test.each([
    ["a changed size", NOTE.replace("\n8\n", "\n9\n"), "signature-invalid"],
    ["a size with a leading zero", NOTE.replace("\n8\n", "\n08\n"), "signature-invalid"],
    ["no signature of the log", NOTE.replace(/— ledger.*\n/, ""), "signature-missing"],
    ["carriage returns", NOTE.replaceAll("\n", "\r\n"), "checkpoint-malformed"],
    ["no end of line", NOTE.slice(0, -1), "checkpoint-malformed"],
    ["no signatures at all", NOTE.split("—")[0] ?? "", "checkpoint-malformed"],
    ["the signature twice", NOTE.replace(/(— ledger.*\n)/, "$1$1"), "signature-invalid"],
    ["junk in the base64", NOTE.replace("wuZjc4", "wuZ*c4"), "checkpoint-malformed"],
  ])("%s is refused", async (_, note, code) => {
    await expect(openCheckpoint(note, parseKey(VKEY))).rejects.toMatchObject({ code });
  });

  test.each(["", "name", `${VKEY}x`, VKEY.replace("c2e66373", "c2e66374"), VKEY.replace("+AQ", "+Ag")])(
    "key %j is refused",
    (text) => {
      expect(() => parseKey(text)).toThrow();
    },
  );
});
