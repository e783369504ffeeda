import { describe, expect, test } from "vitest";
import {
  bundlePath,
  Frontier,
  leafHash,
  readBundle,
  rootOf,
  TILE_WIDTH,
  TileTree,
  tilePath,
  toBase64,
  utf8,
} from "../src/index.ts";

const leaves: Uint8Array[] = Array.from({ length: 70_000 }, (_, i) => leafHash(utf8(`entry ${i}`)));
const rows: Uint8Array[][] = [leaves];
for (let row = leaves; row.length >= TILE_WIDTH; row = rows[rows.length - 1] ?? []) {
  const count = Math.floor(row.length / TILE_WIDTH);
  rows.push(Array.from({ length: count }, (_, i) => rootOf(row.slice(TILE_WIDTH * i, TILE_WIDTH * (i + 1)))));
}

const SIZES = [0, 1, 2, 10, 255, 256, 257, 300, 511, 512, 1000, 65_535, 65_536, 65_537, 69_999, 70_000];
const roots = new Map<number, Uint8Array>();
const whole = new Frontier();
for (const leaf of [...leaves, new Uint8Array()]) {
  if (SIZES.includes(whole.size)) roots.set(whole.size, whole.root());
  whole.append(leaf);
}
const rootAt = (size: number): Uint8Array => roots.get(size) as Uint8Array;

/** A tree over the first `size` leaves, whose files `spoil` may change on the way; `read` lists what was asked for. */
function tree(size: number, spoil: (path: string, tile: Uint8Array) => void = () => {}) {
  const read: string[] = [];
  const checkpoint = { origin: "example.org/ledger", size, root: rootAt(size), note: "" };
  const reader = async (path: string): Promise<Uint8Array> => {
    read.push(path);
    const [, level, groups, width] = /^tile\/([0-9]+)\/([x0-9/]+)(?:\.p\/([0-9]+))?$/.exec(path) as RegExpExecArray;
    const n = Number(groups?.replace(/[x/]/g, ""));
    const nodes = rows[Number(level)]?.slice(TILE_WIDTH * n, TILE_WIDTH * n + Number(width ?? TILE_WIDTH)) ?? [];
    const tile = new Uint8Array(nodes.flatMap((hash) => [...hash]));
    spoil(path, tile);
    return tile;
  };
  return { tree: new TileTree(checkpoint, reader), read };
}

test.each([
  [0, 0, 256, "tile/0/000"],
  [1, 5, 17, "tile/1/005.p/17"],
  [0, 1_234_067, 256, "tile/0/x001/x234/067"],
])("tile %i/%i of width %i is %s", (level, n, width, path) => {
  expect(tilePath(level, n, width)).toBe(path);
});

test.each([0, 1, 2, 255, 256, 257, 511, 512, 1000, 65_535, 65_536, 65_537, 70_000])(
  "the frontier of %i entries comes from the tiles at the right edge",
  async (size) => {
    const { tree: one, read } = tree(size);
    const frontier = await one.frontier();
    expect([frontier.size, toBase64(frontier.root())]).toEqual([size, toBase64(rootAt(size))]);
    expect(read.length).toBeLessThanOrEqual(3);
  },
);

test("leaves are proved through the tiles above them", async () => {
  const { tree: one } = tree(70_000);
  for (const position of [0, 255, 256, 65_535, 65_536, 69_999]) {
    expect(toBase64(await one.leaf(position))).toBe(toBase64(leaves[position] as Uint8Array));
  }
  await expect(one.leaf(70_000)).rejects.toMatchObject({ code: "truncated" });
});

test.each([0, 1, 255, 256, 300, 65_536, 69_999, 70_000])(
  "the root that the log had at %i entries is told by the tiles of a later one",
  async (earlier) => {
    const frontier = await tree(70_000).tree.frontier(earlier);
    expect(toBase64(frontier.root())).toBe(toBase64(rootAt(earlier)));
  },
);

test("a size that was never reached is a rollback", async () => {
  await expect(tree(10).tree.frontier(11)).rejects.toMatchObject({ code: "rollback" });
});

test("one changed bit in any tile is refused, and asked for again", async () => {
  const flip = (wanted: string) => (path: string, tile: Uint8Array) => {
    if (path === wanted) tile[40] = (tile[40] ?? 0) ^ 1;
  };
  await expect(tree(70_000, flip("tile/0/273.p/112")).tree.frontier()).rejects.toMatchObject({ code: "root-mismatch" });
  await expect(tree(70_000, flip("tile/0/003")).tree.leaf(800)).rejects.toMatchObject({ code: "tile-mismatch" });
  await expect(tree(70_000, flip("tile/1/000")).tree.leaf(800)).rejects.toMatchObject({ code: "tile-mismatch" });
  const { tree: one, read } = tree(70_000, flip("tile/0/003"));
  for (let i = 0; i < 2; i++) await expect(one.leaf(800)).rejects.toMatchObject({ code: "tile-mismatch" });
  expect(read.filter((path) => path === "tile/0/003")).toHaveLength(2);
});

test("a tile of another length is refused", async () => {
  const reader = async () => new Uint8Array(31);
  const checkpoint = { origin: "", size: 1, root: rootAt(1), note: "" };
  await expect(new TileTree(checkpoint, reader).frontier()).rejects.toMatchObject({ code: "tile-mismatch" });
});

describe("an entry bundle", () => {
  const bundle = new Uint8Array([0, 2, 104, 105, 0, 0, 0, 1, 33]);

  test("stands below the tiles, and gives its entries back", () => {
    expect([bundlePath(5), bundlePath(1_234_067, 3)]).toEqual(["tile/entries/005", "tile/entries/x001/x234/067.p/3"]);
    expect(readBundle(bundle, 3).map((entry) => new TextDecoder().decode(entry))).toEqual(["hi", "", "!"]);
    expect(readBundle(new Uint8Array(), 0)).toEqual([]);
  });

  test.each([
    ["is cut in an entry", bundle.slice(0, -1), 3],
    ["is cut in a length", bundle.slice(0, 7), 3],
    ["has fewer entries", bundle, 4],
    ["has more entries", bundle, 2],
    ["goes on after them", new Uint8Array([...bundle, 0]), 3],
  ])("that %s is refused", (_, spoiled, width) => {
    expect(() => readBundle(spoiled, width)).toThrow(expect.objectContaining({ code: "truncated" }));
  });
});
