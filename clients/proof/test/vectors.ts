/** The vectors that every verifier of a log shares; tests/vectors/README.md says what each holds. */
import { readFileSync } from "node:fs";
import { fromBase64 } from "../src/index.ts";

export interface Named {
  readonly name: string;
}
export interface Log extends Named {
  readonly key: string;
  readonly entries: readonly string[];
  readonly leaf_hashes: readonly string[];
  readonly root: string;
  readonly checkpoint: string;
}
export interface BadEntry extends Named {
  readonly code: string;
  readonly log: string;
  readonly after: number;
  readonly entry: string;
}
export interface Inclusion {
  readonly leaf_hash: string;
  readonly index: number;
  readonly size: number;
  readonly path: readonly string[];
  readonly root: string;
}
export interface Consistency {
  readonly old_size: number;
  readonly new_size: number;
  readonly old_root: string;
  readonly new_root: string;
  readonly path: readonly string[];
}
export interface Opened {
  readonly type: string;
  readonly i: number;
  readonly name: string;
  readonly value: unknown;
  readonly salt: string;
  readonly path: readonly string[];
}
export interface Note extends Named {
  readonly note: string;
  readonly keys: readonly string[];
  readonly code: string;
  readonly text: string;
  readonly names: readonly string[];
}
export interface Proof extends Named {
  readonly entry: string;
  readonly proof: string;
}

interface Files {
  "entries-good": { logs: Log[] };
  "entries-bad": { cases: BadEntry[] };
  merkle: {
    leaves: string[];
    leaf_hashes: string[];
    roots: string[];
    inclusion: Inclusion[];
    inclusion_bad: (Inclusion & Named)[];
    consistency: Consistency[];
    consistency_bad: (Consistency & Named)[];
  };
  notes: {
    keys: { vkey: string; name: string; algorithm: number; public_key: string }[];
    keys_bad: (Named & { vkey: string })[];
    good: Note[];
    bad: Note[];
    checkpoints_good: (Named & { text: string; size: number; root: string })[];
    checkpoints_bad: (Named & { text: string })[];
  };
  slots: {
    good: { type: string; root: string; slot_hashes: string[]; openings: Opened[] }[];
    bad: (Named & { slot_count: 8 | 16; root: string; opening: Opened })[];
  };
  extended: { origin: string; entries: string[]; bad: (Named & { code: string; entry: string })[] };
  rotation: {
    origin: string;
    key: string;
    recovery_key: string;
    entries: string[];
    heads: (Named & { size: number; note: string; code: string | null })[];
  };
  proofs: { key: string; good: Proof[]; bad: Proof[] };
}

export function vectors<K extends keyof Files>(file: K): Files[K] {
  return JSON.parse(readFileSync(new URL(`../../../tests/vectors/${file}.json`, import.meta.url), "utf8"));
}

/** Hashes as the vectors write them. */
export const hashes = (encoded: readonly string[]): Uint8Array[] => encoded.map((text) => fromBase64(text));
