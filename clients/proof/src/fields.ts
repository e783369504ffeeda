/** Fields of `data`: what a registry may ask of a value, and whether a value is that (SPEC 5). */
import { isRecord } from "./json.ts";
import { HASH } from "./members.ts";
import { ACCOUNT, AMOUNT, ASSET, FUND } from "./postings.ts";

/** What a registry says about one field, read already. */
export interface Field {
  readonly is: string;
  readonly need?: "may";
  readonly of?: readonly string[] | Field;
  readonly min?: number;
  readonly max?: number;
}

export const MONTH = /^[0-9]{4}-(0[1-9]|1[0-2])$/;
const SLUG = /^[a-z0-9_-]{1,64}$/;
const TEXT_MAX = 16_000;
const LIST_MAX = 1_024;
const ENUM_MAX = 64;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what no text may hold
const CONTROL = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|\p{Surrogate}/u;

const PLAIN: Readonly<Record<string, (value: string) => boolean>> = {
  slug: (value) => SLUG.test(value),
  date: isDate,
  month: (value) => MONTH.test(value),
  digest: (value) => HASH.test(value),
  amount: (value) => AMOUNT.test(value),
  asset: (value) => ASSET.test(value),
  account: (value) => ACCOUNT.test(value),
  fund: (value) => FUND.test(value),
};

/** Whether a value is what the field asks for. */
export function fits(field: Field, value: unknown): boolean {
  const { is, max = 0, min = 0, of } = field;
  if (is === "int") return typeof value === "number" && min <= value && value <= max;
  if (is === "list") {
    return Array.isArray(value) && value.length <= max && value.every((item) => fits(of as Field, item));
  }
  if (typeof value !== "string") return false;
  if (is === "enum") return (of as readonly string[]).includes(value);
  if (is === "text") return [...value].length <= max && !CONTROL.test(value);
  return PLAIN[is]?.(value) ?? false;
}

/** Whether a registry's words about a field of this type are a field. */
export function isField(type: string, value: unknown, isInList = false): value is Field {
  if (!isRecord(value)) return false;
  const { need, ...rest } = value;
  if (need !== undefined && (isInList || need !== "may")) return false;
  const { is, max, min, of } = rest;
  const has = (...names: string[]): boolean =>
    Object.keys(rest).length === names.length && names.every((name) => name in rest);
  if (typeof is !== "string") return false;
  if (Object.hasOwn(PLAIN, is)) return has("is");
  if (is === "enum") return has("is", "of") && isEnum(of);
  if (is === "int") return has("is", "min", "max") && isInt(min) && isInt(max) && min <= max;
  if (is === "text") return has("is", "max") && type.startsWith("ledger.") && isInt(max) && max >= 1 && max <= TEXT_MAX;
  const isList = is === "list" && !isInList && has("is", "max", "of") && isInt(max) && max >= 1 && max <= LIST_MAX;
  return isList && isField(type, of, true);
}

function isEnum(values: unknown): boolean {
  if (!Array.isArray(values) || values.length === 0 || values.length > ENUM_MAX) return false;
  const isSlugs = values.every((value) => typeof value === "string" && SLUG.test(value));
  return isSlugs && new Set(values).size === values.length;
}

function isInt(value: unknown): value is number {
  return typeof value === "number";
}

function isDate(value: string): boolean {
  if (!/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(value) || value < "0001") return false;
  const time = new Date(`${value}T00:00:00Z`);
  return !Number.isNaN(time.getTime()) && time.toISOString().slice(0, 10) === value;
}
