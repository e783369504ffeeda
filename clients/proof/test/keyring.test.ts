/** Keys that change, by the shared vectors; verify.py: test_verify_keys.py. */
import { describe, expect, test } from "vitest";
import { EMPTY_PREV, EntryChecker, fromBase64, Keyring, parseKey } from "../src/index.ts";
import { type Log, vectors } from "./vectors.ts";

const { entries, heads, key, origin, recovery_key } = vectors("rotation");

async function readTo(name: string, texts: readonly string[]): Promise<[EntryChecker, Keyring]> {
  const [checker, keyring] = [new EntryChecker(name, 0, EMPTY_PREV), new Keyring()];
  for (const text of texts) await keyring.follow(checker.accept(text).entry);
  return [checker, keyring];
}

test.each(heads.map((head) => [head.name, head] as const))("%s", async (_, { code, note, size }) => {
  const [, keyring] = await readTo(origin, entries.slice(0, size));
  const opening = keyring.open(note, size);
  if (code === null) expect((await opening).size).toBe(size);
  else await expect(opening).rejects.toMatchObject({ code });
});

test("the keys of entry 0 are known from there on", async () => {
  const [, keyring] = await readTo(origin, entries.slice(0, 1));
  expect(keyring.recovery?.text).toBe(recovery_key);
  expect([keyring.has(parseKey(key)), keyring.has(parseKey(recovery_key))]).toEqual([true, false]);
});

describe("a change of keys that the recovery key did not make is refused", () => {
  const { logs } = vectors("entries-good");
  const bad = vectors("entries-bad").cases.filter(({ code }) => code === "key-invalid");
  test.each(bad.map((one) => [one.name, one] as const))("%s", async (_, one) => {
    const log = logs.find(({ name }) => name === one.log) as Log;
    const [checker, keyring] = await readTo(parseKey(log.key).name, log.entries.slice(0, one.after));
    const { entry } = checker.accept(fromBase64(one.entry));
    await expect(keyring.follow(entry)).rejects.toMatchObject({ code: "key-invalid" });
  });
});
