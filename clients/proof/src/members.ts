/** The members of an entry and their forms (SPEC 3). */
import { ProofFailure } from "./failure.ts";
import { isRecord } from "./json.ts";
import { arePostings, type Posting } from "./postings.ts";

/** An entry, parsed. Times are UTC, `YYYY-MM-DDTHH:MM:SS.ffffffZ`; hashes are base64. */
export interface Entry {
  readonly at: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly expires_at?: string;
  readonly log: string;
  readonly period: string;
  readonly phase?: string;
  readonly position: number;
  readonly postings: readonly Posting[];
  readonly prev: string;
  readonly private?: { readonly alg: string; readonly root: string };
  readonly refers_to?: readonly number[];
  readonly type: string;
  readonly v: number;
}

/** Standard base64 of 32 bytes, in its one spelling. */
export const HASH = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;

const REFERS_MAX = 32;
const PHASES_THAT_REFER = new Set(["posted", "voided", "expired"]);

type Form = (value: unknown) => boolean;
const matches =
  (pattern: RegExp): Form =>
  (value) =>
    typeof value === "string" && pattern.test(value);

const FORMS: Readonly<Record<string, Form>> = {
  at: isTime,
  data: isRecord,
  expires_at: isTime,
  log: matches(/^[a-z0-9][a-z0-9._~:/-]{0,199}$/),
  period: matches(/^[0-9]{4}-(0[1-9]|1[0-2])$/),
  phase: matches(/^(pending|posted|voided|expired)$/),
  position: (value) => typeof value === "number" && value >= 0,
  postings: arePostings,
  prev: matches(HASH),
  private: isPrivate,
  refers_to: (value) => Array.isArray(value) && value.every((item) => typeof item === "number"),
  type: matches(/^[a-z]+\.[a-z_]+\.[a-z_]+\.v[1-9][0-9]*$/),
  v: (value) => value === 1,
};
const OPTIONAL = new Set(["expires_at", "phase", "private", "refers_to"]);
const REQUIRED = Object.keys(FORMS).filter((name) => !OPTIONAL.has(name));

/** The members as an entry. Throws `entry-malformed`, `phase-invalid` or `refers-invalid`. */
export function asEntry(members: Record<string, unknown>): Entry {
  const missing = REQUIRED.find((name) => !Object.hasOwn(members, name));
  if (missing !== undefined) throw new ProofFailure("entry-malformed", `it has no ${missing}`);
  for (const [name, value] of Object.entries(members)) {
    if (!Object.hasOwn(FORMS, name)) throw new ProofFailure("entry-malformed", `it has a member ${name}`);
    if (!FORMS[name]?.(value)) throw new ProofFailure("entry-malformed", `its ${name} is not of its form`);
  }
  const entry = members as unknown as Entry;
  checkPhase(entry);
  checkRefers(entry);
  return entry;
}

function checkPhase({ at, expires_at, phase, refers_to }: Entry): void {
  const wrong = (why: string): never => {
    throw new ProofFailure("phase-invalid", why);
  };
  if ((phase === "pending") !== (expires_at !== undefined)) wrong("expires_at stands beside the phase pending only");
  if (expires_at !== undefined && expires_at <= at) wrong("it expires before it begins");
  if (phase !== undefined && PHASES_THAT_REFER.has(phase) && !refers_to)
    wrong(`${phase} without an entry it refers to`);
}

function checkRefers({ position, refers_to }: Entry): void {
  if (refers_to === undefined) return;
  const isRising = refers_to.every((at, i) => at >= 0 && at < position && (i === 0 || at > (refers_to[i - 1] ?? -1)));
  if (refers_to.length === 0 || refers_to.length > REFERS_MAX || !isRising) {
    throw new ProofFailure("refers-invalid", `it refers to ${refers_to.join(", ") || "nothing"}`);
  }
}

function isPrivate(value: unknown): boolean {
  if (!isRecord(value) || Object.keys(value).length !== 2) return false;
  return value["alg"] === "slots1" && typeof value["root"] === "string" && HASH.test(value["root"]);
}

function isTime(value: unknown): boolean {
  if (typeof value !== "string") return false;
  const match = /^([0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])\.[0-9]{6}Z$/.exec(value);
  if (match === null || value < "1970" || value >= "9999-12-31") return false;
  const time = new Date(`${match[1]}Z`);
  // A day that no month has rolls over or is no time at all.
  return !Number.isNaN(time.getTime()) && time.toISOString().slice(0, 19) === match[1];
}
