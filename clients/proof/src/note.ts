import { concat, equal, fromBase64, utf8 } from "./bytes.ts";
import { ProofFailure } from "./failure.ts";
import { sha256 } from "./sha256.ts";

const NOTE_CHARS_MAX = 65_536;
const ED25519 = 1;

/** A verification key: `<name>+<8 hex>+<base64(type || key)>`. */
export interface VerifyKey {
  readonly text: string;
  readonly name: string;
  readonly id: Uint8Array;
  readonly key: Uint8Array<ArrayBuffer>;
}

/** A signed tree head. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  readonly note: string;
}

/** Read a verification key; throws when the text is not one of Ed25519. */
export function parseKey(text: string): VerifyKey {
  const match = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/.exec(text);
  if (match === null) throw new Error("a key looks like name+1a2b3c4d+base64");
  const [, name, id, encoded] = match as unknown as [string, string, string, string];
  const blob = fromBase64(encoded);
  if (blob.length !== 33 || blob[0] !== ED25519) throw new Error("only Ed25519 keys are known here");
  const computed = sha256(concat(utf8(`${name}\n`), blob)).slice(0, 4);
  if (Array.from(computed, (b) => b.toString(16).padStart(2, "0")).join("") !== id) {
    throw new Error("the key's identifier does not fit it");
  }
  return { text, name, id: computed, key: blob.slice(1) };
}

/** Whether this browser can verify Ed25519 signatures at all. */
export async function canVerify(): Promise<boolean> {
  try {
    await importKey(fromBase64("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="));
    return true;
  } catch {
    return false;
  }
}

/** The checkpoint that `key` signed. Throws ProofFailure with the shared codes. */
export async function openCheckpoint(note: string, key: VerifyKey): Promise<Checkpoint> {
  const malformed = (why: string): ProofFailure => new ProofFailure("checkpoint-malformed", why);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a note may not hold
  if (note.length > NOTE_CHARS_MAX || /[\x00-\x09\x0b-\x1f\x7f]/.test(note) || !note.endsWith("\n")) {
    throw malformed("the note is too long, or has control characters");
  }
  const cut = note.lastIndexOf("\n\n");
  if (cut < 0 || cut + 2 === note.length) throw malformed("the note has no text or no signatures");
  const text = note.slice(0, cut + 1);
  await verifySignature(text, note.slice(cut + 2, -1).split("\n"), key);
  const lines = text.split("\n");
  const [origin, size, root] = lines as [string, string, string];
  if (lines.length !== 4 || !/^(0|[1-9][0-9]{0,15})$/.test(size))
    throw malformed("a checkpoint has origin, size, root");
  if (!/^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/.test(root)) throw malformed("the root is not a hash");
  if (origin !== key.name)
    throw new ProofFailure("log-mismatch", `the checkpoint is of ${origin}, the key of ${key.name}`);
  return { origin, size: Number(size), root: fromBase64(root), note };
}

async function verifySignature(text: string, lines: string[], key: VerifyKey): Promise<void> {
  let found = false;
  for (const line of lines) {
    const match = /^\u2014 ([^ +]+) ([A-Za-z0-9+/]+={0,2})$/.exec(line);
    const blob = match === null ? undefined : decoded(match[2] as string);
    if (match === null || blob === undefined || blob.length < 5) {
      throw new ProofFailure("checkpoint-malformed", "a signature line is not of its form");
    }
    if (match[1] !== key.name || !equal(blob.slice(0, 4), key.id)) continue;
    const imported = await importKey(key.key);
    const isValid = blob.length === 68 && (await crypto.subtle.verify("Ed25519", imported, blob.slice(4), utf8(text)));
    if (!isValid || found) throw new ProofFailure("signature-invalid", "the log's signature is not valid");
    found = true;
  }
  if (!found) throw new ProofFailure("signature-missing", "the note is not signed by the key this browser keeps");
}

function importKey(key: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
}

function decoded(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return fromBase64(text);
  } catch {
    return undefined;
  }
}
