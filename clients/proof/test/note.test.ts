import { describe, expect, test } from "vitest";
import {
  canVerify,
  fromBase64,
  openCheckpoint,
  openNote,
  parseCheckpoint,
  parseKey,
  toBase64,
  verifyTlogProof,
} from "../src/index.ts";
import { type Log, vectors } from "./vectors.ts";

const notes = vectors("notes");
const proofs = vectors("proofs");
const [log] = vectors("entries-good").logs as [Log];

test("this machine can verify Ed25519", async () => {
  expect(await canVerify()).toBe(true);
});

describe("keys", () => {
  test.each(notes.keys)("$vkey is read", ({ vkey, name, algorithm, public_key }) => {
    const key = parseKey(vkey);
    expect([key.name, key.algorithm, toBase64(key.key)]).toEqual([name, algorithm, public_key]);
  });

  test.each(notes.keys_bad)("$name is refused", ({ vkey }) => {
    expect(() => parseKey(vkey)).toThrow();
  });
});

describe("notes", () => {
  test.each(notes.good)("$name opens", async ({ note, keys, text, names }) => {
    const opened = await openNote(fromBase64(note), keys.map(parseKey));
    expect([opened.text, [...opened.names].sort()]).toEqual([text, [...names].sort()]);
  });

  test.each(notes.bad)("$name is refused as $code", async ({ note, keys, code }) => {
    await expect(openNote(fromBase64(note), keys.map(parseKey))).rejects.toMatchObject({ code });
  });
});

describe("checkpoints", () => {
  test.each(notes.checkpoints_good)("$name is read", ({ text, size, root }) => {
    const parsed = parseCheckpoint(text);
    expect([parsed.size, toBase64(parsed.root)]).toEqual([size, root]);
  });

  test.each(notes.checkpoints_bad)("$name is refused", ({ text }) => {
    expect(() => parseCheckpoint(text)).toThrow(expect.objectContaining({ code: "checkpoint-malformed" }));
  });

  test("one of a log is opened with its key, and with no other", async () => {
    const opened = await openCheckpoint(log.checkpoint, parseKey(log.key));
    expect([opened.size, toBase64(opened.root)]).toEqual([log.entries.length, log.root]);
    const other = parseKey(proofs.key);
    await expect(openCheckpoint(log.checkpoint, other)).rejects.toMatchObject({ code: "signature-missing" });
  });
});

describe("proofs of one entry", () => {
  test.each(proofs.good)("$name is proved", async ({ entry, proof }) => {
    await verifyTlogProof(proof, fromBase64(entry), parseKey(proofs.key));
  });

  test.each(proofs.bad)("$name is refused", async ({ entry, proof }) => {
    const verify = verifyTlogProof(proof, fromBase64(entry), parseKey(proofs.key));
    await expect(verify).rejects.toMatchObject({ name: "ProofFailure" });
  });
});
