/** Entries one after the other: bytes, members, chain, time and sums (SPEC 2 to 4 and 6). */
import { toBase64, utf8 } from "./bytes.ts";
import { ProofFailure } from "./failure.ts";
import { checkGenesis } from "./genesis.ts";
import { readCanonical } from "./json.ts";
import { asEntry, type Entry } from "./members.ts";
import { leafHash } from "./merkle.ts";
import { checkPostings } from "./postings.ts";
import { sha256 } from "./sha256.ts";

export const ENTRY_BYTES_MAX = 16_384;

/** `prev` of position 0. */
export const EMPTY_PREV = toBase64(sha256(new Uint8Array()));

/** An entry together with what it was read from. */
export interface Accepted {
  readonly entry: Entry;
  readonly text: string;
  readonly leaf: Uint8Array;
}

/**
 * Judges entries in order and hashes what it accepts. It carries no registry: what types, accounts and funds the log's
 * own entries allow is judged by `verify.py`, which reads the log from its beginning.
 */
export class EntryChecker {
  private lastAt = "";

  /** Continues at `position` after an entry whose leaf hash is `prev`; undefined where that is not known. */
  constructor(
    readonly origin: string,
    private position: number,
    private prev: string | undefined,
  ) {}

  /** The position that comes next. */
  get next(): number {
    return this.position;
  }

  /** Accept the next entry, or throw ProofFailure at its position and stay where it was. */
  accept(source: string | Uint8Array): Accepted {
    try {
      const { entry, text, leaf } = parseEntry(source);
      this.checkPlace(entry);
      checkGenesis(entry);
      checkPostings(entry.postings);
      this.prev = toBase64(leaf);
      this.lastAt = entry.at;
      this.position++;
      return { entry, text, leaf };
    } catch (error) {
      if (error instanceof ProofFailure) throw new ProofFailure(error.code, error.message, this.position);
      throw error;
    }
  }

  private checkPlace(entry: Entry): void {
    if (entry.log !== this.origin) throw new ProofFailure("log-mismatch", `it belongs to ${entry.log}`);
    if (entry.position !== this.position) {
      throw new ProofFailure("position-mismatch", `it says that it is entry ${entry.position}`);
    }
    if (this.prev !== undefined && entry.prev !== this.prev) {
      throw new ProofFailure("prev-mismatch", "it does not continue the entry before it");
    }
    const isPublic = !/\/(books|audit)$/.test(this.origin);
    if (isPublic && !entry.at.endsWith(":00.000000Z")) {
      throw new ProofFailure("entry-malformed", "a public entry tells the minute, and no more");
    }
    if (isPublic ? entry.at < this.lastAt : entry.at <= this.lastAt) {
      throw new ProofFailure("time-backwards", `${entry.at} is not after ${this.lastAt}`);
    }
  }
}

/** One entry by itself: its bytes and its members, without its place in the log. */
export function parseEntry(source: string | Uint8Array): Accepted {
  const bytes = typeof source === "string" ? utf8(source) : source;
  if (bytes.length > ENTRY_BYTES_MAX) {
    throw new ProofFailure("entry-too-large", `it is ${bytes.length} bytes long, and ${ENTRY_BYTES_MAX} are allowed`);
  }
  const text = typeof source === "string" ? source : decoded(source);
  return { entry: asEntry(readCanonical(text)), text, leaf: leafHash(bytes) };
}

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new ProofFailure("entry-malformed", "it is not UTF-8");
  }
}
