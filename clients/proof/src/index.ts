/** Verification of a SecondWind log in the browser: no dependency, the same rules and codes as `verify.py`. */
export { equal as equalHashes, fromBase64, toBase64, toHex, utf8 } from "./bytes.ts";
export { type Checkpoint, openCheckpoint, openCheckpointBy, parseCheckpoint } from "./checkpoint.ts";
export { canVerify, verifyEd25519 } from "./ed25519.ts";
export { type Accepted, EMPTY_PREV, EntryChecker, parseEntry } from "./entry.ts";
export { ProofFailure } from "./failure.ts";
export { canonical } from "./json.ts";
export { Keyring } from "./keyring.ts";
export { parseKey, type VerifyKey } from "./keys.ts";
export { LogChecker } from "./log.ts";
export type { Entry } from "./members.ts";
export { Frontier, leafHash, nodeHash, rootOf, verifyConsistency, verifyInclusion } from "./merkle.ts";
export { openNote } from "./note.ts";
export type { Posting } from "./postings.ts";
export { LogRules } from "./rules.ts";
export { sha256 } from "./sha256.ts";
export { type Opening, slotHash, verifyOpening } from "./slots.ts";
export { bundlePath, readBundle, TILE_WIDTH, type TileReader, TileTree, tilePath } from "./tiles.ts";
export { parseTlogProof, verifyTlogProof } from "./tlogproof.ts";
