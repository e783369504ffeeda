/** Private slots: one field of an entry's private part, opened to whoever is shown it (SPEC 7). */
import { concat, utf8 } from "./bytes.ts";
import { ProofFailure } from "./failure.ts";
import { canonical, judge } from "./json.ts";
import { verifyInclusion } from "./merkle.ts";
import { sha256 } from "./sha256.ts";

/** One slot shown; `value` null says that the entry does not use the slot. */
export interface Opening {
  readonly type: string;
  readonly i: number;
  readonly name: string;
  readonly value: unknown;
  readonly salt: Uint8Array;
  readonly path: readonly Uint8Array[];
}

const TAG = utf8("\u0000secondwind/slot/v1\n");
const SALT_BYTES = 32;
const DEPTH_MAX = 32;

/** The hash that stands for a slot. Throws `opening-invalid` for what no slot can hold. */
export function slotHash({ type, i, name, value, salt }: Omit<Opening, "path">): Uint8Array {
  if (salt.length !== SALT_BYTES) throw invalid(`the salt is ${salt.length} bytes long, not ${SALT_BYTES}`);
  const why = value === null ? undefined : judge(value, DEPTH_MAX);
  if (why !== undefined) throw invalid(`the value cannot stand in a slot: ${why}`);
  return sha256(concat(TAG, salt, utf8(canonical([type, i, name, value]))));
}

/**
 * Throws `opening-invalid` unless `shown` is what the entry with this private root committed to. `slotCount` comes from
 * the registry of the log, never from whoever shows the opening.
 */
export function verifyOpening(shown: Opening, slotCount: 8 | 16, root: Uint8Array): void {
  try {
    verifyInclusion(slotHash(shown), shown.i, slotCount, shown.path, root);
  } catch (error) {
    throw error instanceof ProofFailure ? invalid(error.message) : error;
  }
}

function invalid(why: string): ProofFailure {
  return new ProofFailure("opening-invalid", why);
}
