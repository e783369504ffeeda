/** The frozen log: whatever this project becomes, it verifies these bytes as they are (SPEC.md, "For ever"). */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  EMPTY_PREV,
  EntryChecker,
  equalHashes,
  Frontier,
  openCheckpoint,
  parseKey,
  TileTree,
  verifyTlogProof,
} from "../src/index.ts";
import { entriesOf } from "./bundles.ts";

const FROZEN = new URL("../../../tests/vectors/log-v1/", import.meta.url);
const read = (path: string): Uint8Array => new Uint8Array(readFileSync(new URL(path, FROZEN)));
const text = (path: string): string => new TextDecoder().decode(read(path));

describe.each(["public", "books", "audit", "features"])("the frozen log %s", (name) => {
  test("every entry is accepted, and together they are the signed tree", async () => {
    const key = parseKey(text(`${name}/keys`).trim());
    const head = await openCheckpoint(text(`${name}/checkpoint`), key);
    const checker = new EntryChecker(head.origin, 0, EMPTY_PREV);
    const frontier = new Frontier(0, []);
    const tree = new TileTree(head, (path) => Promise.resolve(read(`${name}/${path}`)));
    for (const entry of entriesOf((path) => read(`${name}/${path}`), head.size)) {
      const { leaf } = checker.accept(entry);
      expect(equalHashes(await tree.leaf(checker.next - 1), leaf)).toBe(true);
      frontier.append(leaf);
    }
    expect(equalHashes(frontier.root(), head.root)).toBe(true);
  });
});

test.each(["gift", "newest-gift"])("the receipt %s proves its gift", async (name) => {
  const key = parseKey(text("public/keys").trim());
  const head = await openCheckpoint(text("public/checkpoint"), key);
  const receipt = text(`${name}.tlog-proof`);
  const index = Number(/^index (\d+)$/m.exec(receipt)?.[1]);
  const entry = entriesOf((path) => read(`public/${path}`), head.size)[index] as Uint8Array;
  expect((await verifyTlogProof(receipt, entry, key)).size).toBe(head.size);
});
