/** A served log, verified whole and by a sample, honest and spoiled. verify.py: test_tamper.py, test_verify_sample.py. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Check, draw, fromBase64, openCheckpoint, parseKey, type Reading, verifyLog } from "../src/index.ts";

interface Row {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly trusted: boolean;
  readonly verify: readonly [string, number | null] | null;
}

const VECTORS = new URL("../../../tests/vectors/", import.meta.url);
const { rows }: { rows: Row[] } = JSON.parse(readFileSync(new URL("tamper.json", VECTORS), "utf8"));
const frozen = (path: string): Uint8Array => new Uint8Array(readFileSync(new URL(`log-v1/public/${path}`, VECTORS)));
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const key = parseKey(text(frozen("keys")).trim());
const OF_ITS_DAY = Date.parse("2026-01-26T17:10:00Z");

async function run(files: Row["files"], isTrusting: boolean, more: Partial<Reading> = {}): Promise<Check[]> {
  const checks: Check[] = [];
  await verifyLog({
    read: (path) => Promise.resolve(files[path] === undefined ? frozen(path) : fromBase64(files[path])),
    key,
    seen: await openCheckpoint(text(frozen(isTrusting ? "checkpoint" : "checkpoint.1")), key),
    now: OF_ITS_DAY,
    entriesMax: 10_000,
    onCheck: (check) => checks.push(check),
    onProgress: () => undefined,
    ...more,
  });
  return checks;
}

const results = (checks: readonly Check[]): Record<string, string> =>
  Object.fromEntries(checks.map(({ name, result }) => [name, result]));

test("the log as it was is verified, and each check is told", async () => {
  const told = results(await run({}, true));
  expect(told).toEqual({ signed: "yes", unbroken: "yes", rules: "yes", months: "yes", fresh: "yes", seen: "yes" });
});

/** What a table of known types or a comparison of tiles tells; the browser has neither. */
const LEFT = rows.filter(({ verify }) => verify === null || verify[0] === "tile-mismatch").map(({ name }) => name);

describe("what can be done to a log is told with verify.py's code and position", () => {
  test.each(rows.filter(({ name }) => !LEFT.includes(name)))("$name", async ({ files, trusted, verify }) => {
    const [code, position] = verify as [string, number | null];
    const wanted = position === null || code === "truncated" ? { code } : { code, position };
    await expect(run(files, trusted)).rejects.toMatchObject(wanted);
  });
});

test("a sample proves what it drew and says what it leaves open", async () => {
  const told = results(await run({}, true, { entriesMax: 20 }));
  expect(told).toMatchObject({ signed: "yes", unbroken: "yes", rules: "unknown", seen: "yes" });
});

test("without anything seen before that is said, and an old log is stale", async () => {
  const told = results(await run({}, true, { seen: undefined, now: OF_ITS_DAY + 26 * 60_000 }));
  expect(told).toMatchObject({ seen: "unknown", fresh: "unknown" });
});

test("another key than the ledger's is told apart", async () => {
  const other = { ...key, text: key.text.replace("+", "x+") };
  await expect(run({}, true, { key: other })).rejects.toMatchObject({ code: "signature-missing" });
});

test("what is drawn holds both ends and is drawn anew each time", () => {
  const draws = Array.from({ length: 20 }, () => draw(10_000, 6));
  expect(draws.every((drawn) => drawn.length === 6 && drawn[0] === 0 && drawn[5] === 9_999)).toBe(true);
  expect(new Set(draws.map(String)).size).toBe(20);
  expect([draw(0, 5), draw(1, 5), draw(3, 9)]).toEqual([[], [0], [0, 1, 2]]);
});
