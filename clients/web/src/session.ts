/** The page's one session: fetches, proves, follows, and tells the views through signals. */
import {
  type Checkpoint,
  canVerify,
  EMPTY_PREV,
  EntryChecker,
  ProofFailure,
  type TileTree,
  toBase64,
  type VerifyKey,
} from "@secondwind/proof";
import { keep, keepEvidence, showKeys, visit } from "./judge.ts";
import { fold, fromAnswer } from "./ledger/fold.ts";
import { isKeyChange, type KeysHint } from "./ledger/keys.ts";
import { Prover } from "./ledger/prover.ts";
import { merge, prove, type Row } from "./ledger/rows.ts";
import { contradict } from "./ledger/seen.ts";
import { Signers } from "./ledger/signers.ts";
import * as api from "./net/api.ts";
import type { FeedState } from "./net/connection.ts";
import { Feed } from "./net/feed.ts";
import { checkpoint, evidence, failure, feedState, key, rows, seenAt, status, totals, verdict } from "./state.ts";

const FIRST_ROWS = 40;
const OLDER_ROWS = 60;
const STATUS_INTERVAL_MS = 15_000;
const RETRY_MS = 3_000;

let verifyKey: VerifyKey | undefined;
let signers: Signers | undefined;
let tree: TileTree | undefined;
let prover: Prover | undefined;
let feed: Feed | undefined;
/** Entries below this were read from the log's files; the others come over the feed. */
let base = 0;
/** The oldest position that somebody asked for. */
let floor: number | undefined;

/** Begin, and go on for as long as the page is open. */
export async function begin(): Promise<void> {
  void watchStatus();
  if (!(await canVerify())) verdict.value = "unable";
  await open();
}

/** Load older rows, below those that are shown. */
export async function loadOlder(): Promise<void> {
  const oldest = rows.value.at(-1)?.position;
  if (oldest === undefined) return;
  try {
    floor = Math.max(0, oldest - OLDER_ROWS);
    await show(oldest, OLDER_ROWS);
  } catch (error) {
    if (error instanceof ProofFailure) fail(error);
    else feedState.value = "offline";
  }
}

/** Fetch and judge what there is, then follow; tries again while the service cannot be reached. */
async function open(): Promise<void> {
  try {
    const hint = await api.keys();
    verifyKey = keep.pin(hint.first);
    key.value = verifyKey.text;
    base =
      verdict.value === "unable" ? Number((await api.checkpoint()).split("\n")[1]) : await prepare(verifyKey, hint);
    await show(base, FIRST_ROWS);
    totals.value = fromAnswer(await api.funds());
    follow();
  } catch (error) {
    if (error instanceof ProofFailure) fail(error);
    else {
      feedState.value = "offline";
      setTimeout(open, RETRY_MS);
    }
  }
}

/** Judge the newest checkpoint and make the prover that goes on from it; returns its size. */
async function prepare(key: VerifyKey, hint: KeysHint): Promise<number> {
  const kept = keep.evidence(key.name);
  if (kept !== undefined) {
    evidence.value = kept;
    throw new ProofFailure("fork", "this browser has kept the evidence since an earlier visit");
  }
  const visited = await visit(key, hint);
  tree = visited.tree;
  signers = new Signers(visited.keys);
  const { origin, size } = tree.checkpoint;
  const prev = size === 0 ? EMPTY_PREV : toBase64(await tree.leaf(size - 1));
  prover = new Prover(origin, await tree.frontier(), prev);
  verdict.value = "proved";
  accepted(tree.checkpoint);
  return size;
}

/** Show at most `limit` entries before a position, read from the log's files and proved by its tiles. */
async function show(before: number, limit: number): Promise<void> {
  const entries = await api.entriesBefore(before, limit, base);
  const first = before - entries.length;
  const checker = new EntryChecker(verifyKey?.name ?? "", first, first === 0 ? EMPTY_PREV : undefined);
  const found: Row[] = [];
  for (const bytes of entries) {
    const { entry, text, leaf } = checker.accept(bytes);
    const hash = toBase64(leaf);
    if (tree !== undefined && toBase64(await tree.leaf(entry.position)) !== hash) {
      throw new ProofFailure("tile-mismatch", "an entry is not the one that was signed", entry.position);
    }
    if (isKeyChange(entry.type)) await rekeyed(text); // known by now, unless the service kept it from the page
    found.push({ position: entry.position, text, entry, leaf: hash, proved: tree !== undefined });
  }
  rows.value = merge(rows.value, found, floor);
}

function follow(): void {
  const url = new URL("/v1/ws", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  feed = new Feed(url.href, base - 1, {
    entry: received,
    checkpoint: (note) => void signed(note),
    state: changed,
    gap: () => void lost(),
  });
  feed.start();
}

function changed(state: FeedState): void {
  feedState.value = state;
}

/** The feed cannot continue from where this page is: the same question as on a new visit, asked now. */
async function lost(): Promise<void> {
  feed?.stop();
  try {
    if (verifyKey !== undefined) await visit(verifyKey, await api.keys(), checkpoint.value);
    throw new ProofFailure("rollback", "entries that it had shown, but not signed, are gone");
  } catch (error) {
    if (error instanceof ProofFailure) fail(error);
    else setTimeout(lost, RETRY_MS);
  }
}

function received(position: number, entryText: string): void {
  try {
    const checker = prover ?? new EntryChecker(verifyKey?.name ?? "", position, undefined);
    const { entry, leaf } = checker.accept(entryText);
    rows.value = merge(rows.value, [{ position, text: entryText, entry, leaf: toBase64(leaf), proved: false }], floor);
    if (totals.value !== undefined) totals.value = fold(totals.value, entry);
    if (isKeyChange(entry.type)) void rekeyed(entryText);
    mark();
    const due = signers?.due(checker.next);
    if (due !== undefined) void signed(due);
  } catch (error) {
    fail(error);
  }
}

async function signed(note: string): Promise<void> {
  const live = prover;
  if (signers === undefined || live === undefined || verdict.value !== "proved") return;
  try {
    const opened = await signers.open(note, () => live.next);
    if (opened === undefined) return;
    const newest = checkpoint.value;
    if (newest !== undefined && contradict(newest, opened)) {
      keepEvidence("fork", newest, opened);
      throw new ProofFailure("fork", "it signed two roots for one size", opened.size);
    }
    live.compare(opened);
    mark();
  } catch (error) {
    if (verdict.value === "proved") showKeys(error, signers.keys, [], note);
    fail(error);
  }
}

/** Follow a change of keys that came over the feed; the head that its key signs proves that it stands in the log. */
async function rekeyed(text: string): Promise<void> {
  try {
    await signers?.follow(text);
  } catch (error) {
    if (signers !== undefined) showKeys(error, signers.keys, [text], checkpoint.value?.note ?? "");
    fail(error);
  }
}

function accepted(verified: Checkpoint): void {
  checkpoint.value = verified;
  seenAt.value = Date.now();
  keep.remember(verified);
  if (verifyKey === undefined || signers === undefined) return;
  key.value = signers.keys.nameable(verified.size).text;
  keep.keepKeys(verifyKey, signers.keys.textsBefore(verified.size));
}

function mark(): void {
  if (prover === undefined || verdict.value !== "proved") return;
  rows.value = prove(rows.value, base, prover.provedSize);
  if (prover.verified !== undefined && prover.verified !== checkpoint.value) accepted(prover.verified);
}

function fail(error: unknown): void {
  if (verdict.value === "failed") return; // the first reason is the one that counts
  feed?.stop();
  verdict.value = "failed";
  failure.value =
    error instanceof ProofFailure
      ? { code: error.code, sentence: error.message, position: error.position }
      : { code: "", sentence: error instanceof Error ? error.message : String(error), position: undefined };
}

async function watchStatus(): Promise<void> {
  try {
    status.value = await api.status();
  } catch {
    // the feed tells that the service is away; a status that is a little old does no harm
  }
  setTimeout(watchStatus, STATUS_INTERVAL_MS);
}
