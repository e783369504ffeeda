/** The JSON that an entry may be made of (SPEC 2): strings, whole numbers, lists and objects, in one spelling only. */
import { ProofFailure } from "./failure.ts";

/** Nesting allowed in an entry, the entry itself being 1. */
export const DEPTH_MAX = 4;

/** What a JSON text says. Throws `entry-malformed`, or `entry-not-canonical` when it says it in another spelling. */
export function readCanonical(text: string): Record<string, unknown> {
  refuse(scan(text));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    refuse("it is not JSON");
  }
  refuse(judge(value, DEPTH_MAX));
  if (!isRecord(value)) throw new ProofFailure("entry-malformed", "it is not an object");
  if (canonical(value) !== text) {
    throw new ProofFailure("entry-not-canonical", "its bytes are not the canonical form of what they say");
  }
  return value;
}

/** RFC 8785 for the values above: members sorted, no blanks, the shortest escapes. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (!isRecord(value)) return JSON.stringify(value);
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
}

/** Whether a value is an object, and neither null nor a list. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuse(why: string | undefined): void {
  if (why !== undefined) throw new ProofFailure("entry-malformed", why);
}

/** What can only be told from the text: its depth, which must not be followed by parsing, and how numbers are written. */
function scan(text: string): string | undefined {
  let depth = 0;
  let isString = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i] as string;
    if (isString) {
      if (char === "\\") i++;
      else if (char === '"') isString = false;
    } else if (char === '"') isString = true;
    else if (char === "{" || char === "[") {
      if (++depth > DEPTH_MAX) return `it is nested deeper than ${DEPTH_MAX}`;
    } else if (char === "}" || char === "]") depth--;
    else if (char === "." || char === "e" || char === "E") return "it holds null, true, false or a number with a point";
  }
  return undefined;
}

/** Why a value is none of section 2, nested at most `depth` deep; undefined where it is one. */
export function judge(value: unknown, depth: number): string | undefined {
  if (typeof value === "string") return /\p{Surrogate}/u.test(value) ? "it holds half a character" : undefined;
  if (typeof value === "number") {
    return Number.isSafeInteger(value) ? undefined : "it holds a number beyond ±(2^53−1)";
  }
  if (typeof value !== "object" || value === null) return "it holds null, true or false";
  if (depth === 0) return "it is nested too deep";
  if (!isRecord(value)) return firstOf(Object.values(value).map((item) => judge(item, depth - 1)));
  const odd = Object.keys(value).find((name) => !/^[a-z0-9_]+$/.test(name));
  if (odd !== undefined) return `the member name ${JSON.stringify(odd)} is not of [a-z0-9_]`;
  return firstOf(Object.values(value).map((item) => judge(item, depth - 1)));
}

function firstOf(found: readonly (string | undefined)[]): string | undefined {
  return found.find((why) => why !== undefined);
}
