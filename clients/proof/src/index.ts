/** Verification of a SecondWind log in the browser: no dependency, the same rules and codes as `verify.py`. */
export { equal as equalHashes, fromBase64, toBase64, toHex, utf8 } from "./bytes.ts";
export { EMPTY_PREV, type Entry, EntryChecker, type Posting } from "./entry.ts";
export { ProofFailure } from "./failure.ts";
export { Frontier, inclusionRoot, leafHash, nodeHash, rootOf } from "./merkle.ts";
export { type Checkpoint, canVerify, openCheckpoint, parseKey, type VerifyKey } from "./note.ts";
export { sha256 } from "./sha256.ts";
export { hashesOf, type TileReader, TileTree, tilePath } from "./tiles.ts";
