/** The tamper table, as a browser meets it that reads the log from its beginning. verify.py: test_tamper.py. */
import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  EMPTY_PREV,
  EntryChecker,
  equalHashes,
  Frontier,
  fromBase64,
  openCheckpoint,
  ProofFailure,
  parseKey,
  TileTree,
} from "../src/index.ts";
import { entriesOf } from "./bundles.ts";

interface Row {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly trusted: boolean;
  readonly browser: readonly [string, number | null] | null;
}

const VECTORS = new URL("../../../tests/vectors/", import.meta.url);
const { rows }: { rows: Row[] } = JSON.parse(readFileSync(new URL("tamper.json", VECTORS), "utf8"));
const frozen = (path: string): Uint8Array => new Uint8Array(readFileSync(new URL(`log-v1/public/${path}`, VECTORS)));
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Read the whole log as it is served, and hold it against what was seen before. */
async function readLog(read: (path: string) => Uint8Array, isTrusting: boolean): Promise<void> {
  const key = parseKey(text(frozen("keys")).trim());
  const head = await openCheckpoint(text(read("checkpoint")), key);
  const seen = await openCheckpoint(text(frozen(isTrusting ? "checkpoint" : "checkpoint.1")), key);
  if (head.size < seen.size) throw new ProofFailure("rollback", "it was longer before", head.size);
  const tree = new TileTree(head, (path) => Promise.resolve(read(path)));
  const checker = new EntryChecker(head.origin, 0, EMPTY_PREV);
  const frontier = new Frontier(0, []);
  for (const entry of entriesOf(read, head.size)) {
    frontier.append(checker.accept(entry).leaf);
    const isOther = frontier.size === seen.size && !equalHashes(frontier.root(), seen.root);
    if (isOther) throw new ProofFailure("fork", "it said something else before", seen.size);
  }
  if (!equalHashes(frontier.root(), head.root)) {
    throw new ProofFailure("root-mismatch", "these entries were not signed", head.size);
  }
  await tree.leaf(head.size - 1);
}

test.each(rows)("$name", async ({ files, trusted, browser }) => {
  const read = (path: string): Uint8Array => {
    const file = files[path];
    return file === undefined ? frozen(path) : fromBase64(file);
  };
  const reading = readLog(read, trusted);
  if (browser === null) await reading;
  else {
    const [code, position] = browser;
    await expect(reading).rejects.toMatchObject(position === null ? { code } : { code, position });
  }
});

test("the log as it was is read whole", async () => {
  await readLog(frozen, true);
  expect(existsSync(new URL("log-v1/SHA256SUMS", VECTORS))).toBe(true);
});
