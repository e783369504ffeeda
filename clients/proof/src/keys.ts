/** Verification keys in the form of C2SP: `<name>+<8 hex>+<base64(algorithm || key)>` (SPEC 10). */
import { concat, fromBase64, toHex, utf8 } from "./bytes.ts";
import { sha256 } from "./sha256.ts";

export const ED25519 = 1;
export const COSIGNATURE = 4;

export interface VerifyKey {
  readonly text: string;
  readonly name: string;
  readonly id: Uint8Array;
  readonly algorithm: number;
  readonly key: Uint8Array<ArrayBuffer>;
}

/** A name holds neither `+` nor blanks nor control characters, and is not empty. */
export const KEY_NAME = /^[^+\s\p{Cc}\p{Z}]+$/u;

/** Read a verification key; throws an Error that says what is wrong with the text. */
export function parseKey(text: string): VerifyKey {
  const parts = /^([^+]*)\+([0-9a-f]{8})\+([^\n]*)$/.exec(text);
  if (parts === null) throw new Error("a key looks like name+1a2b3c4d+base64");
  const [, name, id, encoded] = parts as unknown as [string, string, string, string];
  if (!KEY_NAME.test(name)) throw new Error("the key's name is empty or holds what a name may not");
  const blob = fromBase64(encoded);
  const algorithm = blob[0];
  if (blob.length !== 33 || (algorithm !== ED25519 && algorithm !== COSIGNATURE)) {
    throw new Error("only Ed25519 keys and cosignature keys are known here");
  }
  const computed = sha256(concat(utf8(`${name}\n`), blob)).slice(0, 4);
  if (toHex(computed) !== id) throw new Error("the key's identifier does not fit it");
  return { text, name, id: computed, algorithm, key: blob.slice(1) };
}
