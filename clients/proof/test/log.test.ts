/** A log judged from its beginning in the browser: the shared vectors, every code of them. verify.py: test_verify.py. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { fromBase64, LogChecker, parseKey, toBase64 } from "../src/index.ts";
import { entriesOf } from "./bundles.ts";
import { type Log, vectors } from "./vectors.ts";

const { logs } = vectors("entries-good");
const { cases } = vectors("entries-bad");

async function readTo(log: Log, count: number): Promise<LogChecker> {
  const checker = new LogChecker(parseKey(log.key).name);
  for (const entry of log.entries.slice(0, count)) await checker.accept(entry);
  return checker;
}

test.each(logs.map((log) => [log.name, log] as const))("the good log %s keeps every rule", async (name, log) => {
  const checker = await readTo(log, log.entries.length);
  expect(toBase64(checker.frontier.root())).toBe(log.root);
  expect(checker.rules.unknown.size).toBe(name === "unknown" ? 1 : 0);
  checker.checkEnd();
});

describe("every bad entry is refused with its code, at its position", () => {
  test.each(cases.map((one) => [`${one.code}: ${one.name} in ${one.log}`, one] as const))("%s", async (_, one) => {
    const checker = await readTo(logs.find(({ name }) => name === one.log) as Log, one.after);
    const accepting = checker.accept(fromBase64(one.entry));
    await expect(accepting).rejects.toMatchObject({ code: one.code, position: one.after });
  });
});

const FROZEN = new URL("../../../tests/vectors/log-v1/", import.meta.url);
const read = (path: string): Uint8Array => new Uint8Array(readFileSync(new URL(path, FROZEN)));

test.each(["public", "books", "audit", "features"])("the frozen log %s keeps every rule", async (name) => {
  const note = new TextDecoder().decode(read(`${name}/checkpoint`));
  const [origin = "", size, root] = note.split("\n");
  const checker = new LogChecker(origin);
  for (const entry of entriesOf((path) => read(`${name}/${path}`), Number(size))) await checker.accept(entry);
  expect(toBase64(checker.frontier.root())).toBe(root);
  expect((await checker.keyring.open(note, Number(size))).origin).toBe(origin);
  checker.checkEnd();
});

test("a month left open is told at the end of the log", async () => {
  const log = logs.find(({ name }) => name === "public") as Log;
  const checker = await readTo(log, log.entries.length);
  checker.newestAt = "2026-12-31T00:00:00.000000Z";
  expect(() => checker.checkEnd()).toThrow(expect.objectContaining({ code: "period-unclosed" }));
});

describe("a registry that is extended", () => {
  const { bad, entries, origin } = vectors("extended");
  const read = async (): Promise<LogChecker> => {
    const checker = new LogChecker(origin);
    for (const entry of entries) await checker.accept(entry);
    return checker;
  };

  test("is in force with all before, and a close names the hash of both", async () => {
    expect((await read()).rules.unknown.size).toBe(0);
  });

  test.each(bad.map((one) => [one.name, one] as const))("%s is refused", async (_, { code, entry }) => {
    await expect((await read()).accept(entry)).rejects.toMatchObject({ code });
  });
});
