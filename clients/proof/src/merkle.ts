/** The tree of RFC 6962 over a log's entries (SPEC 8). */
import { concat, equal } from "./bytes.ts";
import { ProofFailure } from "./failure.ts";
import { sha256 } from "./sha256.ts";

const LEAF = new Uint8Array([0]);
const NODE = new Uint8Array([1]);

export const HASH_BYTES = 32;

/** Hash of an entry: SHA-256(0x00 || bytes). */
export function leafHash(entry: Uint8Array): Uint8Array<ArrayBuffer> {
  return sha256(concat(LEAF, entry));
}

/** Hash of an inner node: SHA-256(0x01 || left || right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array<ArrayBuffer> {
  return sha256(concat(NODE, left, right));
}

/** The complete subtrees of a growing tree, largest first: all that is needed to append and to tell the root. */
export class Frontier {
  /** `hashes` are the roots of the complete subtrees over `count` leaves: one for each bit that is set in `count`. */
  constructor(
    private count = 0,
    private readonly hashes: Uint8Array[] = [],
  ) {}

  /** Leaves so far. */
  get size(): number {
    return this.count;
  }

  /** Add one leaf. */
  append(leaf: Uint8Array): void {
    let node = leaf;
    for (let index = this.count; index % 2 === 1; index = Math.floor(index / 2)) {
      node = nodeHash(this.hashes.pop() as Uint8Array, node);
    }
    this.hashes.push(node);
    this.count++;
  }

  /** Root over the leaves so far; over none it is SHA-256 of nothing. */
  root(): Uint8Array {
    const last = this.hashes[this.hashes.length - 1];
    if (last === undefined) return sha256(new Uint8Array());
    return this.hashes.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), last);
  }

  /** An independent copy. */
  copy(): Frontier {
    return new Frontier(this.count, [...this.hashes]);
  }
}

/** Root over leaf hashes, or over the roots of equally large complete subtrees. */
export function rootOf(hashes: readonly Uint8Array[]): Uint8Array {
  const frontier = new Frontier();
  for (const hash of hashes) frontier.append(hash);
  return frontier.root();
}

/** Throws `root-mismatch` unless `path` leads from the leaf at `index` to `root` in a tree of `size` leaves. */
export function verifyInclusion(
  leaf: Uint8Array,
  index: number,
  size: number,
  path: readonly Uint8Array[],
  root: Uint8Array,
): void {
  if (!(index >= 0 && index < size)) throw new ProofFailure("root-mismatch", `there is no leaf ${index} of ${size}`);
  if (!path.every(isHash)) throw new ProofFailure("root-mismatch", "the path has a hash of another length");
  let node = leaf;
  let used = 0;
  for (let i = index, last = size - 1; last > 0; i = Math.floor(i / 2), last = Math.floor(last / 2)) {
    if (i % 2 === 0 && i === last) continue; // no sibling: the node is the last of its row
    const sibling = path[used++];
    if (sibling === undefined) throw new ProofFailure("root-mismatch", `the path has ${path.length} hashes, too few`);
    node = i % 2 === 1 ? nodeHash(sibling, node) : nodeHash(node, sibling);
  }
  if (used !== path.length) throw new ProofFailure("root-mismatch", `the path has ${path.length} hashes, not ${used}`);
  if (!equal(node, root)) throw new ProofFailure("root-mismatch", "the path leads to another root");
}

/**
 * Throws unless `path` proves that the tree of `oldSize` leaves is the beginning of the tree of `newSize` (RFC 9162
 * 2.1.4.2): `rollback` where the new tree is the smaller one, `fork` for everything else.
 */
export function verifyConsistency(
  oldSize: number,
  newSize: number,
  oldRoot: Uint8Array,
  newRoot: Uint8Array,
  path: readonly Uint8Array[],
): void {
  if (oldSize > newSize) throw new ProofFailure("rollback", `${newSize} leaves are fewer than ${oldSize}`);
  const expect = (is: boolean, why: string): void => {
    if (!is) throw new ProofFailure("fork", why);
  };
  expect(path.every(isHash), "the path has a hash of another length");
  if (oldSize === 0 || oldSize === newSize) {
    expect(path.length === 0, "between these sizes there is nothing to prove, and the path has hashes");
    expect(equal(oldRoot, oldSize === 0 ? sha256(new Uint8Array()) : newRoot), "the roots differ");
    return;
  }
  let node = oldSize - 1;
  let last = newSize - 1;
  const climb = (): void => {
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  };
  while (node % 2 === 1) climb();
  // An old tree that is one complete subtree is its own first node, so the proof leaves it out.
  const [first, ...siblings] = node === 0 ? [oldRoot, ...path] : path;
  expect(first !== undefined, "the path has too few hashes");
  let [old, grown] = [first as Uint8Array, first as Uint8Array];
  for (const sibling of siblings) {
    expect(last > 0, "the path has too many hashes");
    if (node % 2 === 1 || node === last) {
      [old, grown] = [nodeHash(sibling, old), nodeHash(sibling, grown)];
      while (node > 0 && node % 2 === 0) climb();
    } else grown = nodeHash(grown, sibling);
    climb();
  }
  expect(last === 0 && equal(old, oldRoot) && equal(grown, newRoot), "the path leads to other roots");
}

function isHash(hash: Uint8Array): boolean {
  return hash.length === HASH_BYTES;
}
