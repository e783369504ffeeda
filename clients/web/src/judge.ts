/** Is what the service shows the continuation of what this browser saw? Asked on every visit, and when a feed breaks. */
import { type Checkpoint, openCheckpoint, ProofFailure, TileTree, type VerifyKey } from "@secondwind/proof";
import { browserShelf, Keep } from "./keep.ts";
import { KeyHistory, type KeysHint } from "./ledger/keys.ts";
import { continues, evidence as evidenceOf } from "./ledger/seen.ts";
import * as api from "./net/api.ts";
import { evidence } from "./state.ts";

/** How often a head is asked for that no known key signed, and how long to wait between: ms. */
const ATTEMPTS_MAX = 3;
const AGAIN_MS = 1_000;
const KEY_CODES: readonly string[] = ["key-invalid", "signature-missing", "signature-invalid"];

export const keep = new Keep(browserShelf());

/** What the page goes on from, once it is proved. */
export interface Judged {
  readonly tree: TileTree;
  readonly keys: KeyHistory;
}

/**
 * The tiles under the newest checkpoint, which a key in force signed and which continue what was seen. A change of keys
 * may be made while it is asked for, so a head that no known key signed is asked for again, with the keys.
 */
export async function visit(first: VerifyKey, hint: KeysHint, newer?: Checkpoint): Promise<Judged> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptVisit(first, attempt === 1 ? hint : await api.keys(), newer);
    } catch (error) {
      const isLate = error instanceof ProofFailure && error.code === "signature-missing";
      if (!isLate || attempt === ATTEMPTS_MAX) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

async function attemptVisit(first: VerifyKey, hint: KeysHint, newer: Checkpoint | undefined): Promise<Judged> {
  evidence.value = undefined;
  // Read before the newest is asked for: another tab may keep a newer one meanwhile.
  const kept = keep.seen(first.name);
  const keys = await keysOf(first, hint);
  const seen = newer ?? (await remembered(keys, kept));
  const note = await api.checkpoint();
  try {
    const newest = await keys.open(note);
    const isSure = await isVouched(first, note);
    if (seen === undefined && keep.hasPinned(first) && !isSure) throw unvouched();
    const standing = await keys.before(newest.size);
    return { tree: await judge(newest, seen, standing, isSure), keys: standing };
  } catch (error) {
    if (evidence.value === undefined) showKeys(error, keys, [], note);
    throw error;
  }
}

/** Who may sign: what was kept, or entry 0 on the first visit, and the changes that the service tells of. */
export async function keysOf(first: VerifyKey, hint: KeysHint): Promise<KeyHistory> {
  keep.pin(hint.first);
  const known = await KeyHistory.of(first, keep.keyEntries(first.name) ?? [await api.entry(0)]);
  if (hint.changes <= known.changes) return known;
  const shown = await api.keyChanges();
  try {
    return await known.with(shown);
  } catch (error) {
    showKeys(error, known, shown, await api.checkpoint());
    throw error;
  }
}

/** What was seen on an earlier visit, if a key in force then signed it. */
export async function remembered(keys: KeyHistory, note: string | undefined): Promise<Checkpoint | undefined> {
  try {
    return await keys.open(note ?? "");
  } catch {
    return undefined;
  }
}

/** Anybody can write an entry 0 that names a kept key: until entry 0 is kept too, that key itself vouches for a head. */
async function isVouched(first: VerifyKey, note: string): Promise<boolean> {
  if (keep.keyEntries(first.name) !== undefined) return true;
  return openCheckpoint(note, first).then(
    () => true,
    () => false,
  );
}

function unvouched(): ProofFailure {
  return new ProofFailure("signature-missing", "the kept key did not sign it, and it does not continue what was seen");
}

/** The tiles under a checkpoint, which must hash to it, hold the changes of keys, and continue what was seen. */
async function judge(
  newest: Checkpoint,
  seen: Checkpoint | undefined,
  keys: KeyHistory,
  isSure: boolean,
): Promise<TileTree> {
  const attempt = async (cache: RequestCache): Promise<TileTree> => {
    const tiles = new TileTree(newest, (path) => api.file(path, cache));
    await tiles.frontier();
    if (seen !== undefined) await continues(seen, tiles);
    await keys.prove(tiles, keep.keyEntries(newest.origin) ?? []);
    return tiles;
  };
  try {
    // Tiles never change, so browsers keep them. Where they do not fit, it is the service that has to explain.
    return await attempt("default").catch((error) => {
      if (error instanceof ProofFailure) return attempt("reload");
      throw error;
    });
  } catch (error) {
    if (seen === undefined || !(error instanceof ProofFailure)) throw error;
    if (!isSure) throw unvouched(); // no evidence against the log: a stranger may have made it
    keepEvidence(error.code, seen, newest);
    throw error;
  }
}

/** A signature or a key that nobody may believe: what was shown, for whoever is to judge it. */
export function showKeys(error: unknown, keys: KeyHistory, shown: readonly string[], note: string): void {
  if (!(error instanceof ProofFailure) || !KEY_CODES.includes(error.code)) return;
  evidence.value = keys.evidence(`${error.code}: ${error.message}`, shown, note);
}

/** Two signed checkpoints contradict each other: that stays true, so it is kept. A log that shrank may grow again. */
export function keepEvidence(code: string, seen: Checkpoint, served: Checkpoint): void {
  if (code !== "fork" && code !== "rollback") return;
  evidence.value = evidenceOf(seen, served);
  if (code === "fork") keep.keepEvidence(seen.origin, evidence.value);
}
