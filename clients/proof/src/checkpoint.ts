/** Checkpoints: what a log's key signs about the whole log (SPEC 11). */
import { equal, fromBase64 } from "./bytes.ts";
import { ProofFailure } from "./failure.ts";
import type { VerifyKey } from "./keys.ts";
import { HASH } from "./members.ts";
import { openNote } from "./note.ts";
import { sha256 } from "./sha256.ts";

/** A tree head; `note` is the signed text that it was opened from. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  readonly note: string;
}

/** The checkpoint that `key` signed about its own log. Throws ProofFailure with the shared codes. */
export function openCheckpoint(note: string, key: VerifyKey): Promise<Checkpoint> {
  return openCheckpointBy(note, [key]);
}

/** The checkpoint that at least one of these keys of one log signed. Throws ProofFailure with the shared codes. */
export async function openCheckpointBy(note: string, keys: readonly VerifyKey[]): Promise<Checkpoint> {
  const { text } = await openNote(note, keys);
  const parsed = parseCheckpoint(text);
  if (keys.some(({ name }) => name !== parsed.origin)) {
    throw new ProofFailure("log-mismatch", `the checkpoint is of ${parsed.origin}, the key is not`);
  }
  return { ...parsed, note };
}

/** A checkpoint's text: exactly origin, size and root. Throws `checkpoint-malformed`. */
export function parseCheckpoint(text: string): Omit<Checkpoint, "note"> {
  const lines = text.split("\n");
  const [origin = "", size = "", root = "", end] = lines;
  if (lines.length !== 4 || end !== "" || origin === "") throw malformed("a checkpoint is origin, size and root");
  if (!/^(0|[1-9][0-9]{0,15})$/.test(size) || !Number.isSafeInteger(Number(size))) {
    throw malformed(`the size ${JSON.stringify(size.slice(0, 20))} is not a number of entries`);
  }
  if (!HASH.test(root)) throw malformed("the root is not a hash");
  const hash = fromBase64(root);
  if (size === "0" && !equal(hash, sha256(new Uint8Array()))) throw malformed("the root of nothing is another");
  return { origin, size: Number(size), root: hash };
}

function malformed(why: string): ProofFailure {
  return new ProofFailure("checkpoint-malformed", why);
}
