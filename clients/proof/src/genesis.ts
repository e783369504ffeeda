/** How a log begins, as far as its first two entries tell (SPEC 5.1 and 5.7). */
import { equal, fromBase64 } from "./bytes.ts";
import { ProofFailure } from "./failure.ts";
import { parseKey, type VerifyKey } from "./keys.ts";
import type { Entry } from "./members.ts";

const OPENED = "ledger.log.opened.v1";
const REGISTRY = "ledger.registry.published.v1";
const NONCE_BYTES = 16;

/** Throws `genesis-invalid` for an entry that does not begin a log as it must, or begins it twice. */
export function checkGenesis({ data, log, position, type }: Entry): void {
  if ((type === OPENED) !== (position === 0)) throw invalid(`${OPENED} stands at position 0, and nowhere else`);
  if (position === 1 && type !== REGISTRY) throw invalid(`position 1 is ${REGISTRY}, and not ${type}`);
  if (position !== 0) return;
  const [key, recovery] = [readKey(data["key"]), readKey(data["recovery_key"])];
  if (key.name !== log) throw invalid(`the key is of ${key.name}, the log is ${log}`);
  if (equal(key.key, recovery.key)) throw invalid("the recovery key is the log's own");
  if (!isNonce(data["nonce"])) throw invalid(`the nonce is not ${NONCE_BYTES} bytes`);
  if (!isTimeZone(data["time_zone"])) throw invalid("the time zone is not one that there is");
}

function readKey(text: unknown): VerifyKey {
  try {
    return parseKey(String(text));
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error));
  }
}

function isNonce(text: unknown): boolean {
  try {
    return typeof text === "string" && fromBase64(text).length === NONCE_BYTES;
  } catch {
    return false;
  }
}

function isTimeZone(name: unknown): boolean {
  try {
    return typeof name === "string" && new Intl.DateTimeFormat("en", { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

function invalid(why: string): ProofFailure {
  return new ProofFailure("genesis-invalid", why);
}
