/** The page's one session: fetches, proves, follows, and tells the views through signals. */
import { signal } from "@preact/signals";
import {
  type Checkpoint,
  canVerify,
  EMPTY_PREV,
  EntryChecker,
  openCheckpoint,
  ProofFailure,
  parseKey,
  TileTree,
  toBase64,
  type VerifyKey,
} from "@secondwind/proof";
import { fold, fromAnswer, type Totals } from "./ledger/fold.ts";
import { Prover } from "./ledger/prover.ts";
import { merge, prove, ROWS_MAX, type Row } from "./ledger/rows.ts";
import * as api from "./net/api.ts";
import { Feed, type FeedState } from "./net/feed.ts";

export type Verdict = "checking" | "proved" | "failed" | "unable";

export const verdict = signal<Verdict>("checking");
export const reason = signal("");
export const rows = signal<readonly Row[]>([]);
export const totals = signal<Totals | undefined>(undefined);
export const checkpoint = signal<Checkpoint | undefined>(undefined);
export const seenAt = signal(0);
export const key = signal("");
export const feedState = signal<FeedState>("connecting");
export const status = signal<api.Status | undefined>(undefined);
export const older = signal<string | undefined>(undefined);

const FIRST_ROWS = 40;
const OLDER_ROWS = 60;
const STATUS_INTERVAL_MS = 15_000;
const RETRY_MS = 3_000;

let verifyKey: VerifyKey | undefined;
let tree: TileTree | undefined;
let prover: Prover | undefined;
let feed: Feed | undefined;
let base = 0;

/** Begin; tries again while the service cannot be reached. */
export async function begin(): Promise<void> {
  void watchStatus();
  try {
    if (!(await canVerify())) {
      verdict.value = "unable";
      reason.value = "This browser cannot verify Ed25519 signatures, so it cannot prove anything. A newer one can.";
    }
    await open();
  } catch (error) {
    if (error instanceof ProofFailure) fail(error);
    else {
      feedState.value = "offline";
      setTimeout(begin, RETRY_MS);
    }
  }
}

/** Load older rows, below those that are shown. */
export async function loadOlder(): Promise<void> {
  const cursor = older.value;
  if (cursor === undefined) return;
  const page = await api.ledger(OLDER_ROWS, cursor);
  older.value = page.next;
  await show(page, rows.value.length + OLDER_ROWS);
}

async function open(): Promise<void> {
  verifyKey = pinned((await api.text("/ledger/keys")).split(/\s/)[0] ?? "");
  key.value = verifyKey.text;
  const note = await api.text("/ledger/checkpoint");
  if (verdict.value === "unable") {
    const lines = note.split("\n");
    base = Number(lines[1]);
  } else {
    const first = await openCheckpoint(note, verifyKey);
    base = first.size;
    checkpoint.value = first;
    seenAt.value = Date.now();
    tree = new TileTree(first, (path) => api.bytes(`/ledger/${path}`));
    const frontier = await tree.frontier();
    const prev = first.size === 0 ? EMPTY_PREV : toBase64(await tree.leaf(first.size - 1));
    prover = new Prover(first.origin, frontier, prev);
    verdict.value = "proved";
  }
  const page = await api.ledger(FIRST_ROWS);
  older.value = page.next;
  await show(page, ROWS_MAX);
  totals.value = fromAnswer(await api.funds());
  follow();
}

/** Show entries that were listed: those under the first checkpoint are proved by the tiles, the others come by the feed. */
async function show(page: api.LedgerPage, keep: number): Promise<void> {
  const found: Row[] = [];
  for (const listed of page.entries) {
    if (listed.position >= base) continue;
    const checker = new EntryChecker(verifyKey?.name ?? "", listed.position, undefined);
    const { entry, leaf } = checker.accept(listed.entry);
    const hash = toBase64(leaf);
    if (tree !== undefined && toBase64(await tree.leaf(listed.position)) !== hash) {
      throw new ProofFailure("entry-malformed", "a listed entry is not the one that was signed", listed.position);
    }
    found.push({ position: listed.position, text: listed.entry, entry, leaf: hash, proved: tree !== undefined });
  }
  rows.value = merge(rows.value, found, keep);
}

function follow(): void {
  const url = new URL("/v1/ws", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  feed = new Feed(url.href, base - 1, {
    entry: received,
    checkpoint: signed,
    state: feedStateChanged,
    gap: startAgain,
  });
  feed.start();
}

function feedStateChanged(state: FeedState): void {
  feedState.value = state;
}

function startAgain(): void {
  fail(new ProofFailure("rollback", "the ledger is shorter than what this browser has seen; reload to begin again"));
}

function received(position: number, entryText: string): void {
  try {
    const checker = prover ?? new EntryChecker(verifyKey?.name ?? "", position, undefined);
    const { entry, leaf } = checker.accept(entryText);
    rows.value = merge(rows.value, [{ position, text: entryText, entry, leaf: toBase64(leaf), proved: false }]);
    if (totals.value !== undefined) totals.value = fold(totals.value, entry);
    marked();
  } catch (error) {
    fail(error);
  }
}

async function signed(note: string): Promise<void> {
  if (verifyKey === undefined || prover === undefined || verdict.value !== "proved") return;
  try {
    const opened = await openCheckpoint(note, verifyKey);
    prover.compare(opened);
    if (opened.size >= (checkpoint.value?.size ?? 0)) {
      checkpoint.value = opened;
      seenAt.value = Date.now();
    }
    marked();
  } catch (error) {
    fail(error);
  }
}

function marked(): void {
  if (prover !== undefined && verdict.value === "proved") rows.value = prove(rows.value, base, prover.provedSize);
}

function fail(error: unknown): void {
  feed?.stop();
  verdict.value = "failed";
  const where = error instanceof ProofFailure && error.position !== undefined ? ` (position ${error.position})` : "";
  const code = error instanceof ProofFailure ? `${error.code}: ` : "";
  reason.value = `${code}${error instanceof Error ? error.message : String(error)}${where}`;
}

/** The key kept from the first visit; a service that shows another one later is not believed. */
function pinned(offered: string): VerifyKey {
  const parsed = parseKey(offered);
  const name = `secondwind.key:${parsed.name}`;
  const kept = localStorage.getItem(name);
  if (kept !== null && kept !== offered) {
    throw new ProofFailure("signature-invalid", "the service shows another key than on your first visit");
  }
  localStorage.setItem(name, offered);
  return parsed;
}

async function watchStatus(): Promise<void> {
  try {
    status.value = await api.status();
  } catch {
    // the feed tells that the service is away; a status that is a little old does no harm
  }
  setTimeout(watchStatus, STATUS_INTERVAL_MS);
}
