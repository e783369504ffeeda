/** Publishing policies as far as every reader judges them (SPEC 12.11 to 12.13; attacks A7, B5). */
import { ProofFailure } from "./failure.ts";
import { canonical, isRecord, judge } from "./json.ts";
import { PEOPLE_FLOOR } from "./registry.ts";

const DEPTH_MAX = 32;

/** Every policy a log had, in the order they were told. */
export class Policies {
  private readonly told: { readonly from: string; readonly people: number }[] = [];

  /** A policy told in a month, in force from another. Throws `policy-invalid`. */
  change(from: string, text: string, month: string): void {
    if (this.told.length > 0 && from <= month)
      throw invalid(`told in ${month}, it begins in ${from}, not in a later month`);
    const asked = peopleIn(text);
    const few = asked.find((number) => typeof number !== "number" || number < PEOPLE_FLOOR);
    if (few !== undefined)
      throw invalid(`people_min of the policy is ${String(few)}, never fewer than ${PEOPLE_FLOOR}`);
    this.told.push({ from, people: asked.length === 0 ? PEOPLE_FLOOR : Math.min(...(asked as number[])) });
  }

  /** Hold an entry's `people_min` to the laxest policy in force in these months. Throws `policy-invalid`. */
  check(people: unknown, ...months: readonly string[]): void {
    const least = Math.min(...months.map((month) => this.people(month)));
    if (typeof people !== "number" || people < least)
      throw invalid(`people_min is ${String(people)}, the policy asks for ${least}`);
  }

  private people(month: string): number {
    return this.told.findLast(({ from }) => from <= month)?.people ?? PEOPLE_FLOOR;
  }
}

function peopleIn(text: string): unknown[] {
  let document: unknown;
  try {
    document = JSON.parse(text);
    if (judge(document, DEPTH_MAX) !== undefined || canonical(document) !== text) throw new Error("not canonical");
  } catch {
    throw invalid("the policy is not canonical JSON");
  }
  const found: unknown[] = [];
  const rest = [document];
  while (rest.length > 0) {
    const value = rest.pop();
    if (isRecord(value) && Object.hasOwn(value, "people_min")) found.push(value["people_min"]);
    if (typeof value === "object" && value !== null) rest.push(...Object.values(value));
  }
  return found;
}

function invalid(why: string): ProofFailure {
  return new ProofFailure("policy-invalid", why);
}
