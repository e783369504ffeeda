/**
 * What WebCrypto's Ed25519 leaves open (SPEC 10.6): browsers differ on points of small order and on points that are not
 * in their shortest form, so both are refused here before the browser is asked.
 */

const FIELD = 2n ** 255n - 19n;
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
// y of the eight points whose order divides 8; x only decides the sign bit.
const ORDER_8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022n;
const SMALL = new Set([0n, 1n, FIELD - 1n, ORDER_8, FIELD - ORDER_8]);

let support: Promise<boolean> | undefined;

/** Whether this browser can verify Ed25519 signatures at all. */
export function canVerify(): Promise<boolean> {
  support ??= importKey(new Uint8Array(32).fill(0x58, 0, 1).fill(0x66, 1)).then(
    () => true,
    () => false,
  );
  return support;
}

/** Whether `signature` is the one over `message` by `key`. */
export async function verifyEd25519(
  key: Uint8Array<ArrayBuffer>,
  message: Uint8Array<ArrayBuffer>,
  signature: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  if (signature.length !== 64 || key.length !== 32) return false;
  if (!isPointAllowed(key) || !isPointAllowed(signature.slice(0, 32))) return false;
  if (littleEndian(signature.slice(32)) >= ORDER) return false;
  const imported = await importKey(key).catch(() => undefined);
  return imported !== undefined && crypto.subtle.verify("Ed25519", imported, signature, message);
}

async function importKey(key: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
}

function isPointAllowed(point: Uint8Array): boolean {
  const y = littleEndian(point) & (2n ** 255n - 1n);
  return y < FIELD && !SMALL.has(y);
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}
