import { concat } from "./bytes.ts";
import { ProofFailure } from "./failure.ts";
import { sha256 } from "./sha256.ts";

const LEAF = new Uint8Array([0]);
const NODE = new Uint8Array([1]);

/** Hash of an entry: SHA-256(0x00 || bytes). */
export function leafHash(entry: Uint8Array): Uint8Array<ArrayBuffer> {
  return sha256(concat(LEAF, entry));
}

/** Hash of an inner node: SHA-256(0x01 || left || right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array<ArrayBuffer> {
  return sha256(concat(NODE, left, right));
}

/** The complete subtrees of a growing tree, largest first (RFC 6962). */
export class Frontier {
  constructor(
    private count = 0,
    private hashes: Uint8Array[] = [],
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

  /** Root over the leaves so far. */
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

/** Root over leaf (or subtree) hashes. */
export function rootOf(hashes: readonly Uint8Array[]): Uint8Array {
  const frontier = new Frontier();
  for (const hash of hashes) frontier.append(hash);
  return frontier.root();
}

/** The root that an inclusion path leads to. Throws `root-mismatch` when the path's length does not fit. */
export function inclusionRoot(leaf: Uint8Array, index: number, size: number, path: readonly Uint8Array[]): Uint8Array {
  if (!(index >= 0 && index < size)) throw new ProofFailure("root-mismatch", "the index lies outside the tree");
  let node = leaf;
  let used = 0;
  let last = size - 1;
  for (let i = index; last > 0; i = Math.floor(i / 2), last = Math.floor(last / 2)) {
    if (i % 2 === 0 && i === last) continue;
    const sibling = path[used++];
    if (sibling === undefined) throw new ProofFailure("root-mismatch", "the path is too short");
    node = i % 2 === 1 ? nodeHash(sibling, node) : nodeHash(node, sibling);
  }
  if (used !== path.length) throw new ProofFailure("root-mismatch", "the path is too long");
  return node;
}
