import { describe, expect, test } from "vitest";
import {
  Frontier,
  fromBase64,
  leafHash,
  rootOf,
  sha256,
  toBase64,
  utf8,
  verifyConsistency,
  verifyInclusion,
} from "../src/index.ts";
import { type Consistency, hashes, vectors } from "./vectors.ts";

const merkle = vectors("merkle");

describe("sha256", () => {
  test("equals WebCrypto's for every length around the block size, and for a long text", async () => {
    for (const length of [...Array(200).keys(), 16_384]) {
      const data = Uint8Array.from({ length }, (_, i) => (i * 7 + length) % 256);
      expect(toBase64(sha256(data))).toBe(toBase64(new Uint8Array(await crypto.subtle.digest("SHA-256", data))));
    }
  });
});

describe("the tree", () => {
  test("leaf hashes and roots are those of Certificate Transparency", () => {
    const leaves = merkle.leaves.map((hex) =>
      leafHash(Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))),
    );
    expect(leaves.map(toBase64)).toEqual(merkle.leaf_hashes);
    const frontier = new Frontier();
    const roots = [toBase64(frontier.root())];
    for (const leaf of leaves) {
      frontier.append(leaf);
      roots.push(toBase64(frontier.root()));
    }
    expect(roots).toEqual(merkle.roots);
    expect(toBase64(rootOf(leaves))).toBe(merkle.roots[8]);
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

describe("inclusion", () => {
  test.each(merkle.inclusion)("of leaf $index of $size is proved", ({ leaf_hash, index, size, path, root }) => {
    verifyInclusion(fromBase64(leaf_hash), index, size, hashes(path), fromBase64(root));
  });

  test.each(merkle.inclusion_bad)("$name, leaf $index of $size, is refused", (bad) => {
    const verify = () =>
      verifyInclusion(fromBase64(bad.leaf_hash), bad.index, bad.size, hashes(bad.path), fromBase64(bad.root));
    expect(verify).toThrow(expect.objectContaining({ code: "root-mismatch" }));
  });
});

describe("consistency", () => {
  const verify = ({ old_size, new_size, old_root, new_root, path }: Consistency): void =>
    verifyConsistency(old_size, new_size, fromBase64(old_root), fromBase64(new_root), hashes(path));

  test.each(merkle.consistency)("of $old_size with $new_size leaves is proved", verify);

  test.each(merkle.consistency_bad)("$name, $old_size and $new_size leaves, is refused", (bad) => {
    const code = bad.old_size > bad.new_size ? "rollback" : "fork";
    expect(() => verify(bad)).toThrow(expect.objectContaining({ code }));
  });
});
