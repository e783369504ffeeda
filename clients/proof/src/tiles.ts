/** Tiles as c2sp.org/tlog-tiles has them, and a tree that hands out only what it has proved (SPEC 9). */
import { equal } from "./bytes.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { ProofFailure } from "./failure.ts";
import { Frontier, HASH_BYTES, rootOf } from "./merkle.ts";

export const TILE_WIDTH = 256;

/** Fetches one file of the log, by its path below the log's prefix. */
export type TileReader = (path: string) => Promise<Uint8Array>;

/** Path of a tile. */
export function tilePath(level: number | "entries", n: number, width = TILE_WIDTH): string {
  const groups = [String(n % 1000).padStart(3, "0")];
  for (let rest = Math.floor(n / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    groups.unshift(`x${String(rest % 1000).padStart(3, "0")}`);
  }
  return `tile/${level}/${groups.join("/")}${width === TILE_WIDTH ? "" : `.p/${width}`}`;
}

/** Path of an entry bundle, the first `width` entries of it. */
export function bundlePath(n: number, width = TILE_WIDTH): string {
  return tilePath("entries", n, width);
}

/** The entries of a bundle of `width`. Throws `truncated` where it is cut, or followed by anything. */
export function readBundle(bundle: Uint8Array, width: number): Uint8Array[] {
  const entries: Uint8Array[] = [];
  let at = 0;
  while (at + 2 <= bundle.length && entries.length < width) {
    const end = at + 2 + (((bundle[at] as number) << 8) | (bundle[at + 1] as number));
    if (end > bundle.length) break;
    entries.push(bundle.slice(at + 2, end));
    at = end;
  }
  if (entries.length !== width || at !== bundle.length) {
    throw new ProofFailure("truncated", `the bundle does not hold exactly ${width} entries`);
  }
  return entries;
}

/** The tiles under one signed checkpoint; every hash that it hands out is proved to lie under the signed root. */
export class TileTree {
  private readonly asked = new Map<string, Promise<Uint8Array[]>>();
  private edges: Promise<ReadonlyMap<number, Uint8Array[]>> | undefined;

  constructor(
    readonly checkpoint: Checkpoint,
    private readonly read: TileReader,
  ) {}

  /** The leaf hash of an entry below the checkpoint's size. */
  async leaf(position: number): Promise<Uint8Array> {
    const tile = await this.tile(0, Math.floor(position / TILE_WIDTH));
    const hash = tile[position % TILE_WIDTH];
    if (hash === undefined) throw new ProofFailure("truncated", "the signed tree does not reach that entry", position);
    return hash;
  }

  /** The frontier as it was when the log had `size` entries, at most the checkpoint's size. */
  async frontier(size = this.checkpoint.size): Promise<Frontier> {
    if (size > this.checkpoint.size) throw new ProofFailure("rollback", `the signed tree does not reach ${size}`);
    await this.edge();
    const subtrees: Uint8Array[] = [];
    for (let level = 0; TILE_WIDTH ** level <= size; level++) {
      const count = Math.floor(size / TILE_WIDTH ** level);
      const width = count % TILE_WIDTH;
      if (width === 0) continue;
      const tile = await this.tile(level, Math.floor(count / TILE_WIDTH));
      subtrees.unshift(...completeSubtrees(tile.slice(0, width)));
    }
    return new Frontier(size, subtrees);
  }

  /** A tile, proved: one at the right edge by the signed root, any other by its place in the tile above it. */
  private tile(level: number, n: number): Promise<Uint8Array[]> {
    const key = `${level}/${n}`;
    const known = this.asked.get(key);
    if (known !== undefined) return known;
    const asked = this.prove(level, n);
    this.asked.set(key, asked);
    asked.catch(() => this.asked.delete(key));
    return asked;
  }

  private async prove(level: number, n: number): Promise<Uint8Array[]> {
    const edge = (await this.edge()).get(level);
    const nodes = Math.floor(this.checkpoint.size / TILE_WIDTH ** level);
    if (n >= Math.floor(nodes / TILE_WIDTH)) return edge ?? [];
    const hashes = await this.fetch(level, n, TILE_WIDTH);
    const above = (await this.tile(level + 1, Math.floor(n / TILE_WIDTH)))[n % TILE_WIDTH];
    if (above === undefined || !equal(rootOf(hashes), above)) {
      throw new ProofFailure("tile-mismatch", `${tilePath(level, n)} is not what the tile above it says`);
    }
    return hashes;
  }

  private edge(): Promise<ReadonlyMap<number, Uint8Array[]>> {
    if (this.edges === undefined) {
      this.edges = this.proveEdge();
      this.edges.catch(() => {
        this.edges = undefined;
      });
    }
    return this.edges;
  }

  /** The partial tile of each level: together they are the frontier, which must hash to the signed root. */
  private async proveEdge(): Promise<ReadonlyMap<number, Uint8Array[]>> {
    const { size, root } = this.checkpoint;
    const edges = new Map<number, Uint8Array[]>();
    const subtrees: Uint8Array[] = [];
    for (let level = 0; TILE_WIDTH ** level <= size; level++) {
      const count = Math.floor(size / TILE_WIDTH ** level);
      const width = count % TILE_WIDTH;
      if (width === 0) continue;
      const hashes = await this.fetch(level, Math.floor(count / TILE_WIDTH), width);
      edges.set(level, hashes);
      subtrees.unshift(...completeSubtrees(hashes));
    }
    if (!equal(new Frontier(size, subtrees).root(), root)) {
      throw new ProofFailure("root-mismatch", "the tiles do not hash to the root that was signed");
    }
    return edges;
  }

  private async fetch(level: number, n: number, width: number): Promise<Uint8Array[]> {
    const path = tilePath(level, n, width);
    const tile = await this.read(path);
    if (tile.length !== HASH_BYTES * width) {
      throw new ProofFailure("tile-mismatch", `${path} is ${tile.length} bytes long, not ${HASH_BYTES * width}`);
    }
    return Array.from({ length: width }, (_, i) => tile.slice(HASH_BYTES * i, HASH_BYTES * (i + 1)));
  }
}

/** The roots of the complete subtrees over fewer than TILE_WIDTH hashes, largest first. */
function completeSubtrees(hashes: readonly Uint8Array[]): Uint8Array[] {
  const roots: Uint8Array[] = [];
  let start = 0;
  for (let width = TILE_WIDTH / 2; width >= 1; width /= 2) {
    if (hashes.length - start < width) continue;
    roots.push(rootOf(hashes.slice(start, start + width)));
    start += width;
  }
  return roots;
}
