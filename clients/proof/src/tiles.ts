import { equal } from "./bytes.ts";
import { ProofFailure } from "./failure.ts";
import { Frontier, rootOf } from "./merkle.ts";
import type { Checkpoint } from "./note.ts";

const WIDTH = 256;

/** Fetches one file of the log, by its path below the log's prefix. */
export type TileReader = (path: string) => Promise<Uint8Array>;

/** Path of a tile (c2sp.org/tlog-tiles). */
export function tilePath(level: number, n: number, width = WIDTH): string {
  const groups = [String(n % 1000).padStart(3, "0")];
  for (let rest = Math.floor(n / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    groups.unshift(`x${String(rest % 1000).padStart(3, "0")}`);
  }
  return `tile/${level}/${groups.join("/")}${width === WIDTH ? "" : `.p/${width}`}`;
}

/** A tile's bytes as its hashes. */
export function hashesOf(tile: Uint8Array, width: number, path: string): Uint8Array[] {
  if (tile.length !== 32 * width) throw new ProofFailure("tile-mismatch", `${path} is not ${width} hashes long`);
  return Array.from({ length: width }, (_, i) => tile.slice(32 * i, 32 * i + 32));
}

/** The tiles under one signed checkpoint; every hash that it hands out is proved to lie under the signed root. */
export class TileTree {
  private readonly proved = new Map<string, Promise<Uint8Array[]>>();
  private edge: Promise<Frontier> | undefined;

  constructor(
    readonly checkpoint: Checkpoint,
    private readonly read: TileReader,
  ) {}

  /** The frontier at the checkpoint's size, built from the tiles at the right edge and held against the signed root. */
  frontier(): Promise<Frontier> {
    this.edge ??= this.readEdge();
    return this.edge;
  }

  /** The leaf hash of an entry below the checkpoint's size. */
  async leaf(position: number): Promise<Uint8Array> {
    const tile = await this.tile(0, Math.floor(position / WIDTH));
    const hash = tile[position % WIDTH];
    if (hash === undefined) throw new ProofFailure("truncated", "the tile does not reach that entry", position);
    return hash;
  }

  /** A tile, proved: a full one by its place in the tile above, one at the right edge by the frontier. */
  private tile(level: number, n: number): Promise<Uint8Array[]> {
    const key = `${level}/${n}`;
    const known = this.proved.get(key);
    if (known !== undefined) return known;
    const asked = this.proveTile(level, n);
    this.proved.set(key, asked);
    asked.catch(() => this.proved.delete(key));
    return asked;
  }

  private async proveTile(level: number, n: number): Promise<Uint8Array[]> {
    if (n === Math.floor(this.checkpoint.size / WIDTH ** (level + 1))) {
      await this.frontier(); // reads and proves the tiles at the right edge
      const edge = this.edges.get(level);
      if (edge !== undefined) return edge;
    }
    const path = tilePath(level, n);
    const hashes = hashesOf(await this.read(path), WIDTH, path);
    const above = await this.tile(level + 1, Math.floor(n / WIDTH));
    if (!equal(rootOf(hashes), above[n % WIDTH] ?? new Uint8Array())) {
      throw new ProofFailure("tile-mismatch", `${path} is not what the tile above it says`, n * WIDTH);
    }
    return hashes;
  }

  private readonly edges = new Map<number, Uint8Array[]>();

  private async readEdge(): Promise<Frontier> {
    const { size, root } = this.checkpoint;
    const subtrees: Uint8Array[] = [];
    for (let level = 0; WIDTH ** level <= size; level++) {
      const count = Math.floor(size / WIDTH ** level);
      const width = count % WIDTH;
      if (width === 0) continue;
      const path = tilePath(level, Math.floor(count / WIDTH), width);
      const hashes = hashesOf(await this.read(path), width, path);
      this.edges.set(level, hashes);
      subtrees.unshift(...complete(hashes));
    }
    const frontier = new Frontier(size, subtrees);
    if (!equal(frontier.root(), root)) {
      throw new ProofFailure("root-mismatch", "the tiles do not hash to the root that was signed", size);
    }
    return frontier;
  }
}

/** The roots of the complete subtrees over `hashes`, largest first. */
function complete(hashes: readonly Uint8Array[]): Uint8Array[] {
  const roots: Uint8Array[] = [];
  let start = 0;
  for (let width = WIDTH / 2; width >= 1; width /= 2) {
    if (hashes.length - start >= width) {
      roots.push(rootOf(hashes.slice(start, start + width)));
      start += width;
    }
  }
  return roots;
}
