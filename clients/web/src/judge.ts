/** Is what the service shows the continuation of what this browser saw? Asked on every visit, and when a feed breaks. */
import { type Checkpoint, openCheckpoint, ProofFailure, TileTree, type VerifyKey } from "@secondwind/proof";
import { browserShelf, Keep } from "./keep.ts";
import { continues, evidence as evidenceOf } from "./ledger/seen.ts";
import * as api from "./net/api.ts";
import { evidence } from "./state.ts";

export const keep = new Keep(browserShelf());

/** What was seen on an earlier visit. Read before the newest is asked for: another tab may keep a newer one meanwhile. */
export async function remembered(key: VerifyKey): Promise<Checkpoint | undefined> {
  try {
    return await openCheckpoint(keep.seen(key.name) ?? "", key);
  } catch {
    return undefined;
  }
}

/** The tiles under the newest checkpoint, which must hash to it and continue what was seen. */
export async function judge(key: VerifyKey, seen: Checkpoint | undefined): Promise<TileTree> {
  const newest = await openCheckpoint(await api.checkpoint(), key);
  const attempt = async (cache: RequestCache): Promise<TileTree> => {
    const tiles = new TileTree(newest, (path) => api.file(path, cache));
    await tiles.frontier();
    if (seen !== undefined) await continues(seen, tiles);
    return tiles;
  };
  try {
    // Tiles never change, so browsers keep them. Where they do not fit, it is the service that has to explain.
    return await attempt("default").catch((error) => {
      if (error instanceof ProofFailure) return attempt("reload");
      throw error;
    });
  } catch (error) {
    if (seen !== undefined && error instanceof ProofFailure) keepEvidence(error.code, seen, newest);
    throw error;
  }
}

/** Two signed checkpoints contradict each other: that stays true, so it is kept. A log that shrank may grow again. */
export function keepEvidence(code: string, seen: Checkpoint, served: Checkpoint): void {
  if (code !== "fork" && code !== "rollback") return;
  evidence.value = evidenceOf(seen, served);
  if (code === "fork") keep.keepEvidence(seen.origin, evidence.value);
}
