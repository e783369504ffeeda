/** Proofs of one entry as a file: c2sp.org/tlog-proof (SPEC 11.4). */
import { fromBase64 } from "./bytes.ts";
import { type Checkpoint, openCheckpoint } from "./checkpoint.ts";
import { ProofFailure } from "./failure.ts";
import type { VerifyKey } from "./keys.ts";
import { HASH } from "./members.ts";
import { leafHash, verifyInclusion } from "./merkle.ts";

const FIRST_LINE = "c2sp.org/tlog-proof@v1";
const PATH_HASHES_MAX = 63;

export interface TlogProof {
  readonly index: number;
  readonly path: readonly Uint8Array[];
  readonly note: string;
}

/** Read a proof file. Throws `checkpoint-malformed`. */
export function parseTlogProof(text: string): TlogProof {
  const cut = text.indexOf("\n\n");
  const [first, ...lines] = cut < 0 ? [] : text.slice(0, cut).split("\n");
  if (first !== FIRST_LINE) throw malformed(`a proof begins ${FIRST_LINE} and has an empty line before its checkpoint`);
  const extra = /^extra (.*)$/.exec(lines[0] ?? "");
  if (extra !== null) {
    bytesOf(extra[1] ?? "");
    lines.shift();
  }
  const index = /^index (0|[1-9][0-9]{0,15})$/.exec(lines.shift() ?? "")?.[1];
  if (index === undefined || !Number.isSafeInteger(Number(index))) throw malformed("the proof's index is missing");
  if (lines.length > PATH_HASHES_MAX) throw malformed(`the proof has more than ${PATH_HASHES_MAX} hashes`);
  if (!lines.every((line) => HASH.test(line))) throw malformed("a line of the path is not a hash");
  return { index: Number(index), path: lines.map(bytesOf), note: text.slice(cut + 2) };
}

/** The checkpoint under which `proof` places exactly these bytes. Throws ProofFailure with the shared codes. */
export async function verifyTlogProof(
  proof: string,
  entry: Uint8Array,
  key: VerifyKey,
): Promise<TlogProof & Checkpoint> {
  const parsed = parseTlogProof(proof);
  const checkpoint = await openCheckpoint(parsed.note, key);
  verifyInclusion(leafHash(entry), parsed.index, checkpoint.size, parsed.path, checkpoint.root);
  return { ...parsed, ...checkpoint };
}

function bytesOf(text: string): Uint8Array {
  try {
    return fromBase64(text);
  } catch {
    throw malformed("a line of the proof is not canonical base64");
  }
}

function malformed(why: string): ProofFailure {
  return new ProofFailure("checkpoint-malformed", why);
}
