/** Entry bundles of tlog-tiles, as a log publishes them: each entry after its length in two bytes. */
import { ProofFailure, TILE_WIDTH, tilePath } from "../src/index.ts";

export function entriesOf(read: (path: string) => Uint8Array, size: number): Uint8Array[] {
  const entries: Uint8Array[] = [];
  for (let n = 0; n * TILE_WIDTH < size; n++) {
    const width = Math.min(TILE_WIDTH, size - n * TILE_WIDTH);
    const bundle = read(tilePath(0, n, width).replace("tile/0/", "tile/entries/"));
    for (let at = 0; at < bundle.length; ) {
      const length = ((bundle[at] as number) << 8) | (bundle[at + 1] as number);
      entries.push(bundle.slice(at + 2, at + 2 + length));
      at += 2 + length;
    }
    if (entries.length < n * TILE_WIDTH + width)
      throw new ProofFailure("truncated", "entries are missing", entries.length);
  }
  return entries;
}
