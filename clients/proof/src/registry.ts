/** The registry: which types a log knows and what each may say, as one entry of that log (SPEC 5.8 to 5.14). */
import { ProofFailure } from "./failure.ts";
import { type Field, isField } from "./fields.ts";
import { canonical, isRecord, judge } from "./json.ts";
import { ACCOUNT } from "./postings.ts";

export interface TypeSpec {
  readonly data: Readonly<Record<string, Field>>;
  readonly guards?: readonly string[];
  readonly postings: "none" | "some";
  readonly refers: "none" | "may" | "must";
  readonly slots: readonly (readonly [string, string])[];
}

export interface Guard {
  readonly accounts: readonly string[];
  readonly by: "fund" | "owner";
  readonly sign: 1 | -1;
}

export interface Registry {
  readonly types: Readonly<Record<string, TypeSpec>>;
  readonly guards: Readonly<Record<string, Guard>>;
}

/** Groups of fewer people may be told of by no policy, type or entry. */
export const PEOPLE_FLOOR = 5;

const DEPTH_MAX = 32;
const GUARD_ACCOUNTS_MAX = 16;
const TYPE = /^[a-z]+\.[a-z_]+\.[a-z_]+\.v[1-9][0-9]*$/;

const text = (max: number): Field => ({ is: "text", max });
const oneOf = (...of: string[]): Field => ({ is: "enum", of });
const DIGEST: Field = { is: "digest" };
const SIZE: Field = { is: "int", max: Number.MAX_SAFE_INTEGER, min: 0 };
const KEY_CHANGE = { key: text(300), signature: text(300), size: SIZE };
const own = (data: Readonly<Record<string, Field>>): TypeSpec => ({
  data,
  postings: "none",
  refers: "none",
  slots: [],
});

/** The ledger's own types: the same in every log. */
export const LEDGER_TYPES: Readonly<Record<string, TypeSpec>> = {
  "ledger.log.opened.v1": own({
    format: oneOf("secondwind-log-v1"),
    key: text(300),
    mode: oneOf("demo", "test", "live"),
    nonce: text(24),
    recovery_key: text(300),
    time_zone: text(64),
  }),
  "ledger.registry.published.v1": own({ registry: text(16_000), sha256: DIGEST }),
  "ledger.account.declared.v1": own({
    account: { is: "account" },
    assets: { is: "list", max: 16, of: { is: "asset" } },
    code: { is: "slug", need: "may" },
    normal: oneOf("debit", "credit"),
    title: text(60),
  }),
  "ledger.fund.declared.v1": own({
    fund: { is: "fund" },
    restriction: oneOf("none", "restricted", "unrestricted"),
    title: text(60),
  }),
  "ledger.policy.changed.v1": own({ from: { is: "month" }, policy: text(8_000), sha256: DIGEST }),
  "ledger.period.closed.v1": own({ balances: DIGEST, registry: DIGEST }),
  "ledger.anchor.recorded.v1": own({ commitment: DIGEST }),
  "ledger.key.introduced.v1": own(KEY_CHANGE),
  "ledger.key.retired.v1": own(KEY_CHANGE),
  "ledger.books.attested.v1": own({ note: text(4_000) }),
  "ledger.signer.recovered.v1": own({ reason: text(500), size: SIZE }),
  "ledger.incident.declared.v1": own({ text: text(2_000) }),
};

/** Says what is new in a registry, where the registry lists it. */
export const EXTENDED = "ledger.registry.extended.v1";
const EXTENSION = own({ registry: text(16_000), sha256: DIGEST });

/** Both registries together. `source` says what is new and nothing else. Throws `registry-invalid`. */
export function extendRegistry(source: string, before: Registry): Registry {
  const { guards, types } = parse(source, before.guards);
  const again = [...Object.keys(types).filter((name) => Object.hasOwn(before.types, name))];
  again.push(...Object.keys(guards).filter((name) => Object.hasOwn(before.guards, name)));
  if (again.length > 0) throw invalid(`${again[0]} was published before`);
  if (Object.keys(types).length + Object.keys(guards).length === 0) throw invalid("the extension adds nothing");
  return { guards: { ...before.guards, ...guards }, types: { ...before.types, ...types } };
}

/** The registry that a text is, which must hold everything of the one before. Throws `registry-invalid`. */
export function readRegistry(source: string, before: Registry): Registry {
  const registry = parse(source, {});
  for (const [name, spec] of Object.entries(LEDGER_TYPES)) {
    if (!same(registry.types[name], spec)) throw invalid(`it does not list ${name} as it is`);
  }
  for (const [name, spec] of Object.entries(before.types)) {
    if (!same(registry.types[name], spec)) throw invalid(`type ${name} was published before, otherwise`);
  }
  for (const [name, guard] of Object.entries(before.guards)) {
    if (!same(registry.guards[name], guard)) throw invalid(`guard ${name} was published before, otherwise`);
  }
  return registry;
}

function parse(source: string, known: Registry["guards"]): Registry {
  let value: unknown;
  try {
    value = JSON.parse(source);
    if (canonical(value) !== source) throw new Error("it is not in canonical form");
  } catch {
    throw invalid("it is not canonical JSON");
  }
  if (!isRecord(value) || !hasExactly(value, ["guards", "types"]))
    throw invalid("it is not an object of guards and types");
  const { guards, types } = value;
  if (!isRecord(guards) || !isRecord(types)) throw invalid("guards and types are not objects");
  for (const [name, guard] of Object.entries(guards)) {
    if (!/^[a-z][a-z0-9_]{0,31}$/.test(name) || !isGuard(guard))
      throw invalid(`guard ${name} is not declared as guards are`);
  }
  for (const [name, spec] of Object.entries(types)) {
    const why = TYPE.test(name) ? judge(spec, DEPTH_MAX - 2) : "its name is not a type's";
    if (why !== undefined || !isSpec(name, spec, { ...known, ...guards }))
      throw invalid(`type ${name} is not declared as types are`);
  }
  return value as unknown as Registry;
}

function isSpec(name: string, spec: unknown, guards: Record<string, unknown>): boolean {
  if (!isRecord(spec)) return false;
  if (name === EXTENDED && !same(spec, EXTENSION)) return false;
  const { guards: held, ...rest } = spec;
  if (!hasExactly(rest, ["data", "postings", "refers", "slots"]) || !isRecord(rest["data"])) return false;
  const { data, postings, refers, slots } = rest;
  if (!["none", "some"].includes(String(postings)) || !["none", "may", "must"].includes(String(refers))) return false;
  if (!Object.values(data as object).every((field) => isField(name, field)) || !areSlots(slots)) return false;
  const people = (data as Record<string, Field>)["people_min"];
  if (people !== undefined && (people.is !== "int" || (people.min ?? 0) < PEOPLE_FLOOR)) return false;
  if (!("guards" in spec)) return true;
  if (!Array.isArray(held) || held.length === 0 || postings !== "some" || !isSorted(held)) return false;
  return held.every((guard) => Object.hasOwn(guards, guard) && (guards[guard] as Guard).by === "fund");
}

function areSlots(slots: unknown): boolean {
  if (!Array.isArray(slots) || ![0, 8, 16].includes(slots.length)) return false;
  const isSlot = (slot: unknown): boolean =>
    Array.isArray(slot) &&
    slot.length === 2 &&
    typeof slot[0] === "string" &&
    /^[a-z0-9_]+$/.test(slot[0]) &&
    (slot[1] === "identity" || slot[1] === "audit");
  return slots.every(isSlot) && new Set(slots.map((slot) => slot[0])).size === slots.length;
}

function isGuard(guard: unknown): boolean {
  if (!isRecord(guard) || !hasExactly(guard, ["accounts", "by", "sign"])) return false;
  const { accounts, by, sign } = guard;
  if (!Array.isArray(accounts) || accounts.length < 1 || accounts.length > GUARD_ACCOUNTS_MAX) return false;
  const isGood =
    accounts.every((account) => typeof account === "string" && ACCOUNT.test(account)) && isSorted(accounts);
  return isGood && (by === "fund" || by === "owner") && (sign === 1 || sign === -1);
}

function isSorted(values: readonly unknown[]): boolean {
  return values.every((value, i) => typeof value === "string" && (i === 0 || (values[i - 1] as string) < value));
}

function hasExactly(value: object, names: readonly string[]): boolean {
  return Object.keys(value).length === names.length && names.every((name) => Object.hasOwn(value, name));
}

function same(a: unknown, b: unknown): boolean {
  return a !== undefined && canonical(a) === canonical(b);
}

function invalid(why: string): ProofFailure {
  return new ProofFailure("registry-invalid", why);
}
