import { toBase64, utf8 } from "./bytes.ts";
import { ProofFailure } from "./failure.ts";
import { leafHash } from "./merkle.ts";
import { sha256 } from "./sha256.ts";

/** One line of double entry; `amount` is a decimal string of minor units, debits positive. */
export interface Posting {
  readonly account: string;
  readonly amount: string;
  readonly asset: string;
  readonly fund: string;
}

/** An entry, parsed. */
export interface Entry {
  readonly at: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly log: string;
  readonly period: string;
  readonly position: number;
  readonly postings: readonly Posting[];
  readonly prev: string;
  readonly type: string;
  readonly v: number;
  readonly private?: { readonly alg: string; readonly root: string };
  readonly refers_to?: readonly number[];
  readonly phase?: string;
}

const REQUIRED = ["at", "data", "log", "period", "position", "postings", "prev", "type", "v"];
const OPTIONAL = ["expires_at", "phase", "private", "refers_to"];
const BYTES_MAX = 16_384;
const DEPTH_MAX = 4;
const INTERFUND = "equity:interfund";

/** Judges entries one after the other: bytes, chain, times and sums. What it accepts is hashed. */
export class EntryChecker {
  private lastAt = "";

  /** Continues at `position` after an entry whose leaf hash is `prev` (undefined: not known yet, taken from the first). */
  constructor(
    readonly origin: string,
    private position: number,
    private prev: string | undefined,
  ) {}

  /** The position that comes next. */
  get next(): number {
    return this.position;
  }

  /** Accept the next entry and return it with its leaf hash, or throw ProofFailure at its position. */
  accept(text: string): { entry: Entry; leaf: Uint8Array } {
    const bytes = utf8(text);
    const entry = parse(text, bytes.length, this.position);
    const wrong = (code: string, why: string): ProofFailure => new ProofFailure(code, why, this.position);
    if (entry.log !== this.origin) throw wrong("log-mismatch", "the entry belongs to another log");
    if (entry.position !== this.position) throw wrong("position-mismatch", `the entry says ${entry.position}`);
    if (this.prev !== undefined && entry.prev !== this.prev) {
      throw wrong("prev-mismatch", "the entry does not continue the one before it");
    }
    if (entry.at < this.lastAt) throw wrong("time-backwards", "its time is before that of the entry before");
    checkSums(entry, this.position);
    const leaf = leafHash(bytes);
    this.prev = toBase64(leaf);
    this.lastAt = entry.at;
    this.position++;
    return { entry, leaf };
  }
}

/** `prev` of position 0. */
export const EMPTY_PREV = toBase64(sha256(new Uint8Array()));

/** The members of canonical bytes; throws ProofFailure for anything else. */
export function parse(text: string, length: number, position?: number): Entry {
  if (length > BYTES_MAX) throw new ProofFailure("entry-too-large", `${length} bytes`, position);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ProofFailure("entry-malformed", "it is not JSON", position);
  }
  const code = judge(value, DEPTH_MAX);
  if (code !== undefined || !isRecord(value))
    throw new ProofFailure("entry-malformed", code ?? "it is no object", position);
  if (canonical(value) !== text) {
    throw new ProofFailure("entry-not-canonical", "its bytes are not the canonical form of what they say", position);
  }
  const names = Object.keys(value);
  if (!REQUIRED.every((name) => name in value) || !names.every((n) => REQUIRED.includes(n) || OPTIONAL.includes(n))) {
    throw new ProofFailure("entry-malformed", "members are missing or unknown", position);
  }
  const isShaped =
    typeof value["at"] === "string" && typeof value["type"] === "string" && Array.isArray(value["postings"]);
  if (!isShaped || value["v"] !== 1 || !isRecord(value["data"])) {
    throw new ProofFailure("entry-malformed", "a member is not of its form", position);
  }
  return value as unknown as Entry;
}

function checkSums(entry: Entry, position: number): void {
  const sums = new Map<string, bigint>();
  let last = "";
  for (const line of entry.postings) {
    if (!/^-?[1-9][0-9]{0,30}$/.test(String(line.amount))) {
      throw new ProofFailure("entry-malformed", "an amount is not of its form", position);
    }
    const here = `${line.account} ${line.asset} ${line.fund}`;
    if (here <= last) throw new ProofFailure("postings-unsorted", `${here} stands out of order`, position);
    last = here;
    const key = `${line.asset} ${line.fund}`;
    sums.set(key, (sums.get(key) ?? 0n) + BigInt(line.amount));
    if (line.account === INTERFUND) {
      // What one fund gives another receives: over all funds it is nothing.
      const over = `${line.asset} in ${INTERFUND}`;
      sums.set(over, (sums.get(over) ?? 0n) + BigInt(line.amount));
    }
  }
  for (const [key, total] of sums) {
    if (total !== 0n) throw new ProofFailure("sum-not-zero", `${key} sums to ${total}`, position);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What makes a value unfit for an entry, or undefined. */
function judge(value: unknown, depth: number): string | undefined {
  if (typeof value === "string") return /\p{Surrogate}/u.test(value) ? "it holds half a character" : undefined;
  if (typeof value === "number")
    return Number.isSafeInteger(value) ? undefined : "it holds a number that is no integer";
  if (depth === 0) return "it is nested too deeply";
  if (Array.isArray(value)) return first(value.map((item) => judge(item, depth - 1)));
  if (!isRecord(value)) return "it holds null, true or false";
  const names = Object.keys(value);
  if (!names.every((name) => /^[a-z0-9_]+$/.test(name))) return "a member's name is not of [a-z0-9_]";
  return first(names.map((name) => judge(value[name], depth - 1)));
}

function first(found: (string | undefined)[]): string | undefined {
  return found.find((item) => item !== undefined);
}

/** RFC 8785 for what an entry may hold: sorted members, no blanks. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (isRecord(value)) {
    const members = Object.keys(value).sort();
    return `{${members.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
  }
  return JSON.stringify(value);
}
