import { describe, expect, test } from "vitest";
import { EMPTY_PREV, EntryChecker, fromBase64, ProofFailure, parseKey, toBase64 } from "../src/index.ts";
import { type BadEntry, type Log, vectors } from "./vectors.ts";

const { logs } = vectors("entries-good");
const { cases } = vectors("entries-bad");

/** Codes that a browser in the middle of a log cannot give, and what it would have to know; verify.py knows all of it. */
const LEFT_TO_VERIFY_PY: Readonly<Record<string, string>> = {
  "account-undeclared": "the accounts that entries since the beginning declared",
  "data-invalid": "the fields that the registry in force gives the type",
  "fund-undeclared": "the funds that entries since the beginning declared",
  "guard-broken": "the balances of all entries since the beginning",
  "key-invalid": "the recovery key that position 0 named, and the keys since",
  "period-closed": "the months that entries since the beginning closed",
  "period-invalid": "the time zone that position 0 set",
  "policy-invalid": "the policies that entries since the beginning told",
  "private-invalid": "the slots that the registry in force gives the type",
  "registry-invalid": "the registry before, which a new one must contain",
};
const REFERS_BY_TYPE = ["refers_to missing", "refers_to where the type has none"];
/** What is pending is known to who has read every entry since the beginning. */
const isOfPending = ({ code, name }: BadEntry): boolean =>
  code === "phase-invalid" && /nothing pending|resolved before|before its time/.test(name);
const isLeft = (one: BadEntry): boolean =>
  one.code in LEFT_TO_VERIFY_PY || REFERS_BY_TYPE.includes(one.name) || isOfPending(one);
const judged = cases.filter((one) => !isLeft(one));

function readTo(log: Log, count: number): EntryChecker {
  const checker = new EntryChecker(parseKey(log.key).name, 0, EMPTY_PREV);
  for (const entry of log.entries.slice(0, count)) checker.accept(entry);
  return checker;
}

describe("a good log", () => {
  test.each(logs.map((log) => [log.name, log] as const))("%s is accepted whole, with its hashes", (_, log) => {
    const checker = new EntryChecker(parseKey(log.key).name, 0, EMPTY_PREV);
    const leaves = log.entries.map((entry) => toBase64(checker.accept(entry).leaf));
    expect(leaves).toEqual(log.leaf_hashes);
    expect(checker.next).toBe(log.entries.length);
  });
});

describe("a bad entry is refused with the shared code, and the checker stays where it was", () => {
  test.each(judged.map((one) => [`${one.code}: ${one.name} in ${one.log}`, one] as const))("%s", (_, one) => {
    const checker = readTo(logs.find((log) => log.name === one.log) as Log, one.after);
    let failure: unknown;
    try {
      checker.accept(fromBase64(one.entry));
    } catch (error) {
      failure = error;
    }
    expect(failure).toBeInstanceOf(ProofFailure);
    expect(failure).toMatchObject({ code: one.code, position: one.after });
    expect(checker.next).toBe(one.after);
  });
});

test.each(cases.filter(isLeft))("left to verify.py and not refused here: $code, $name in $log", (one) => {
  const checker = readTo(logs.find((log) => log.name === one.log) as Log, one.after);
  checker.accept(fromBase64(one.entry));
  expect(checker.next).toBe(one.after + 1);
});

test("a checker that begins in the middle takes the first prev as it comes, and holds the next to it", () => {
  const log = logs[0] as Log;
  const checker = new EntryChecker(parseKey(log.key).name, 5, undefined);
  checker.accept(log.entries[5] as string);
  checker.accept(log.entries[6] as string);
  expect(checker.next).toBe(7);
  expect(() => checker.accept(log.entries[8] as string)).toThrow(
    expect.objectContaining({ code: "position-mismatch" }),
  );
});
