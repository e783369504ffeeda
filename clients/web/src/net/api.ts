/** The public HTTP side, as this page uses it. */
import { bundlePath, readBundle, TILE_WIDTH } from "@secondwind/proof";
import type { FundsAnswer } from "../ledger/fold.ts";
import { KEY_CHANGES, type KeysHint, readHint } from "../ledger/keys.ts";

const PAGE_ENTRIES = 100;
const KEY_PAGES_MAX = 10;

export interface Status {
  readonly mode: string;
  readonly halted: { readonly log: string; readonly at: number; readonly reason: string } | null;
}

async function get(path: string, cache: RequestCache = "default"): Promise<Response> {
  const answer = await fetch(path, { cache, credentials: "omit" });
  if (!answer.ok) throw new Error(`${path} answers ${answer.status}`);
  return answer;
}

export const funds = async (): Promise<FundsAnswer> => (await get("/api/v1/funds")).json();
export const status = async (): Promise<Status> => (await get("/status")).json();

/** The log's first key and how often its keys changed, as the service says; a change a moment ago counts. */
export const keys = async (): Promise<KeysHint> => readHint(await (await get("/ledger/keys", "no-cache")).text());

/** One entry, byte for byte. */
export const entry = async (position: number): Promise<string> =>
  (await get(`/api/v1/ledger/entries/${position}`)).text();

/** The entries that changed the log's keys, as the service lists them. */
export async function keyChanges(): Promise<string[]> {
  const lists = await Promise.all(KEY_CHANGES.map(listed));
  return lists.flat();
}

async function listed(type: string): Promise<string[]> {
  const found: string[] = [];
  for (let page = 0, after = ""; page < KEY_PAGES_MAX; page++) {
    const answer = await get(`/api/v1/ledger?type=${type}&order=oldest&limit=${PAGE_ENTRIES}${after}`, "no-cache");
    const { entries, next } = (await answer.json()) as { entries: { entry: string }[]; next?: string };
    found.push(...entries.map((one) => one.entry));
    if (next === undefined) break;
    after = `&after=${encodeURIComponent(next)}`;
  }
  return found;
}

/** The newest signed note, from the service and not from a cache: an old one would look like a ledger that shrank. */
export const checkpoint = async (): Promise<string> => (await get("/ledger/checkpoint", "no-store")).text();

/** One file of the log. */
export async function file(path: string, cache?: RequestCache): Promise<Uint8Array> {
  return new Uint8Array(await (await get(`/ledger/${path}`, cache)).arrayBuffer());
}

/** At most `limit` entries, the last of which is the one before position `before`, of a log signed up to `size`. */
export async function entriesBefore(before: number, limit: number, size: number): Promise<Uint8Array[]> {
  const entries: Uint8Array[] = [];
  for (let end = before; end > 0 && entries.length < limit; ) {
    const n = Math.floor((end - 1) / TILE_WIDTH);
    const width = Math.min(TILE_WIDTH, size - TILE_WIDTH * n);
    const bundle = readBundle(await file(bundlePath(n, width)), width);
    entries.unshift(...bundle.slice(0, end - TILE_WIDTH * n));
    end = TILE_WIDTH * n;
  }
  return entries.slice(-limit);
}
