/** Signed notes as C2SP has them, read strictly (SPEC 10). */
import { concat, equal, fromBase64, utf8 } from "./bytes.ts";
import { verifyEd25519 } from "./ed25519.ts";
import { ProofFailure } from "./failure.ts";
import { COSIGNATURE, KEY_NAME, type VerifyKey } from "./keys.ts";

export const NOTE_BYTES_MAX = 65_536;
export const SIGNATURES_MAX = 100;

const KEY_ID_BYTES = 4;
const TIME_BYTES = 8;

/** A note that at least one of the keys asked for has signed, and their names. */
export interface OpenedNote {
  readonly text: string;
  readonly names: readonly string[];
}

interface Signature {
  readonly name: string;
  readonly id: Uint8Array;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Open a note. Signatures by other keys are passed over; one by a key asked for that does not verify condemns the note.
 * Throws ProofFailure: `checkpoint-malformed`, `signature-invalid` or `signature-missing`.
 */
export async function openNote(note: string | Uint8Array, keys: readonly VerifyKey[]): Promise<OpenedNote> {
  const { text, signatures } = split(decoded(note));
  const names = new Set<string>();
  for (const signature of signatures) {
    const key = keys.find((one) => one.name === signature.name && equal(one.id, signature.id));
    if (key === undefined) continue;
    if (!(await verifies(text, signature.bytes, key))) {
      throw new ProofFailure("signature-invalid", `the signature of ${key.name} is not valid`);
    }
    names.add(key.name);
  }
  if (names.size === 0) throw new ProofFailure("signature-missing", "none of the keys asked for has signed the note");
  return { text, names: [...names] };
}

function verifies(text: string, signature: Uint8Array<ArrayBuffer>, key: VerifyKey): Promise<boolean> {
  if (key.algorithm !== COSIGNATURE) return verifyEd25519(key.key, utf8(text), signature);
  if (signature.length !== TIME_BYTES + 64) return Promise.resolve(false);
  const time = signature.slice(0, TIME_BYTES).reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  return verifyEd25519(key.key, utf8(`cosignature/v1\ntime ${time}\n${text}`), signature.slice(TIME_BYTES));
}

function decoded(note: string | Uint8Array): string {
  const bytes = typeof note === "string" ? utf8(note) : note;
  if (bytes.length > NOTE_BYTES_MAX) throw malformed(`the note is longer than ${NOTE_BYTES_MAX} bytes`);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw malformed("the note is not UTF-8");
  }
}

function split(note: string): { text: string; signatures: readonly Signature[] } {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a note may not hold
  if (/[\x00-\x09\x0b-\x1f]/.test(note)) throw malformed("the note has control characters");
  const cut = note.lastIndexOf("\n\n");
  if (cut < 0 || !note.endsWith("\n") || cut + 2 === note.length) {
    throw malformed("a note is text, an empty line, and signatures");
  }
  const lines = note.slice(cut + 2, -1).split("\n");
  if (lines.length > SIGNATURES_MAX) throw malformed(`the note has more than ${SIGNATURES_MAX} signatures`);
  return { text: note.slice(0, cut + 1), signatures: lines.map(readSignature) };
}

function readSignature(line: string): Signature {
  const parts = /^\u2014 ([^ ]+) ([^ ]+)$/.exec(line);
  const [, name, encoded] = (parts ?? []) as unknown as [string, string, string];
  if (parts === null || !KEY_NAME.test(name)) throw malformed("a signature line is not of its form");
  let blob: Uint8Array<ArrayBuffer>;
  try {
    blob = concat(fromBase64(encoded));
  } catch {
    throw malformed("a signature is not canonical base64");
  }
  if (blob.length <= KEY_ID_BYTES) throw malformed("a signature is too short");
  return { name, id: blob.slice(0, KEY_ID_BYTES), bytes: blob.slice(KEY_ID_BYTES) };
}

function malformed(why: string): ProofFailure {
  return new ProofFailure("checkpoint-malformed", why);
}
