/** A log verified as it is served, whole or by a sample: the checks of `verify.py`, told one by one. */

import { equal } from "./bytes.ts";
import { type Checkpoint, openCheckpoint, parseCheckpoint } from "./checkpoint.ts";
import { EntryChecker } from "./entry.ts";
import { ProofFailure } from "./failure.ts";
import type { VerifyKey } from "./keys.ts";
import { LogChecker } from "./log.ts";
import type { Frontier } from "./merkle.ts";
import { bundlePath, readBundle, TILE_WIDTH, type TileReader, TileTree } from "./tiles.ts";

/** One thing that was looked at. `unknown`: nothing can be said of it; what fails is thrown. */
export interface Check {
  readonly name: string;
  readonly result: "yes" | "unknown";
  readonly sentence: string;
}

/** What the reader brings along, and how much is to be read. */
export interface Reading {
  readonly read: TileReader;
  readonly key: VerifyKey;
  /** A checkpoint that was seen before, or elsewhere. */
  readonly seen: Checkpoint | undefined;
  /** ms since 1970. */
  readonly now: number;
  /** At most so many entries, drawn by chance; the whole log where it has no more. */
  readonly entriesMax: number;
  readonly onCheck: (check: Check) => void;
  readonly onProgress: (done: number, total: number) => void;
}

export interface Verified {
  readonly head: Checkpoint;
  readonly isWhole: boolean;
  /** Entries that were read and judged. */
  readonly read: number;
}

const FRESH_MS = 25 * 60_000;
const CLOCKS_APART_MS = 5 * 60_000;

/** Verify a log; each check is told as soon as it is done. Throws ProofFailure where something does not hold. */
export async function verifyLog(reading: Reading): Promise<Verified> {
  const note = new TextDecoder().decode(await reading.read("checkpoint"));
  const head = { ...parseCheckpoint(`${note.split("\n\n")[0] ?? ""}\n`), note };
  const { key, seen } = reading;
  if (head.origin !== key.name) throw new ProofFailure("log-mismatch", `the checkpoint is of ${head.origin}`);
  if (seen !== undefined && head.size < seen.size) {
    throw new ProofFailure("rollback", `it has ${head.size} entries now, and had ${seen.size} before`, head.size);
  }
  await openCheckpoint(note, key).catch((error) => {
    // A newer key of the ledger may have signed: the entries will tell, if they are all read.
    if (head.size > reading.entriesMax || !(error instanceof ProofFailure) || error.code !== "signature-missing")
      throw error;
  });
  return head.size <= reading.entriesMax ? readWhole(reading, head) : readSample(reading, head);
}

async function readWhole(reading: Reading, head: Checkpoint): Promise<Verified> {
  const { key, onCheck, onProgress, read, seen } = reading;
  const checker = new LogChecker(head.origin);
  for (let first = 0; first < head.size; first += TILE_WIDTH) {
    const width = Math.min(TILE_WIDTH, head.size - first);
    for (const bytes of readBundle(await read(bundlePath(first / TILE_WIDTH, width)), width)) {
      await checker.accept(bytes);
      if (checker.frontier.size === seen?.size) compare(checker.frontier, seen);
    }
    onProgress(first + width, head.size);
  }
  await checkSigners(checker, head, key, seen);
  if (!equal(checker.frontier.root(), head.root)) {
    throw new ProofFailure("root-mismatch", "the entries do not hash to the root that was signed", head.size);
  }
  const entries = `${head.size.toLocaleString("en")} entries`;
  onCheck(yes("signed", `A key of the ledger signed the newest head, over ${entries}.`));
  onCheck(yes("unbroken", `${entries} form one chain, and the tree that was signed.`));
  const unknown = [...checker.rules.unknown.values()].reduce((sum, count) => sum + count, 0);
  onCheck(
    unknown > 0
      ? open("rules", `${unknown} entries are of a kind that this page does not know; their sums and chain hold.`)
      : yes("rules", "Every entry keeps every rule: form, sums, funds, spending, times."),
  );
  checker.checkEnd();
  const { closed, newestAnchor } = checker.rules;
  if (closed !== "") onCheck(yes("months", `Closed through ${closed}; each trial balance was added up again here.`));
  onCheck(freshness(newestAnchor === undefined ? undefined : new Date(newestAnchor), reading.now));
  onCheck(continued(seen));
  return { head, isWhole: true, read: head.size };
}

/** Who signed the head, by the entries' own word; a head that no pinned key vouches for needs something seen before. */
async function checkSigners(
  checker: LogChecker,
  head: Checkpoint,
  key: VerifyKey,
  seen: Checkpoint | undefined,
): Promise<void> {
  if (head.size === 0) {
    await openCheckpoint(head.note, key);
    return;
  }
  await checker.keyring.open(head.note, head.size);
  const hasSigned = checker.keyring.signers(head.size).some(({ text }) => text === key.text);
  if (!checker.keyring.has(key) || (!hasSigned && seen === undefined)) {
    throw new ProofFailure("signature-missing", "the ledger's entries do not name the key that this browser holds");
  }
}

async function readSample(reading: Reading, head: Checkpoint): Promise<Verified> {
  const { entriesMax, onCheck, onProgress, read, seen } = reading;
  const tree = new TileTree(head, read);
  await tree.frontier();
  const size = `${head.size.toLocaleString("en")} entries`;
  onCheck(yes("signed", `The ledger's key signed the newest head, over ${size}.`));
  if (seen !== undefined) compare(await tree.frontier(seen.size), seen);
  const bundles = draw(Math.ceil(head.size / TILE_WIDTH), Math.ceil(entriesMax / TILE_WIDTH));
  let newestAt = "";
  let done = 0;
  for (const n of bundles) {
    const first = n * TILE_WIDTH;
    const width = Math.min(TILE_WIDTH, head.size - first);
    const checker = n === 0 ? new LogChecker(head.origin) : new EntryChecker(head.origin, first, undefined);
    for (const bytes of readBundle(await read(bundlePath(n, width)), width)) {
      const { entry, leaf } = await checker.accept(bytes);
      if (!equal(await tree.leaf(entry.position), leaf)) {
        throw new ProofFailure("root-mismatch", "the entry is not the one under the signed root", entry.position);
      }
      newestAt = entry.at;
      done++;
    }
    onProgress(done, Math.min(head.size, bundles.length * TILE_WIDTH));
  }
  const drawn = done.toLocaleString("en");
  onCheck(yes("unbroken", `${drawn} of ${size} were drawn by chance; each is in the tree that was signed.`));
  onCheck(open("rules", "A sample cannot add up the whole ledger: for that, read all of it."));
  onCheck(freshness(new Date(newestAt), reading.now));
  onCheck(continued(seen));
  return { head, isWhole: false, read: done };
}

/** The first, the newest, and so many between them that nobody could foresee; rising. */
export function draw(count: number, wanted: number): number[] {
  const drawn = new Set(count === 0 ? [] : [0, count - 1]);
  const random = new Uint32Array(1);
  while (drawn.size < Math.min(count, wanted)) {
    crypto.getRandomValues(random);
    drawn.add((random[0] as number) % count);
  }
  return [...drawn].sort((a, b) => a - b);
}

function compare(frontier: Frontier, seen: Checkpoint): void {
  if (equal(frontier.root(), seen.root)) return;
  throw new ProofFailure("fork", `its first ${seen.size} entries are not the ones that it signed before`, seen.size);
}

function freshness(newest: Date | undefined, now: number): Check {
  if (newest === undefined) return open("fresh", "The ledger has no anchors yet, so its age cannot be told.");
  const age = now - newest.getTime();
  const minutes = Math.round(Math.abs(age) / 60_000);
  if (age < -CLOCKS_APART_MS)
    return open("fresh", `It is ${minutes} minutes ahead of this device's clock: one is wrong.`);
  if (age > FRESH_MS) return open("fresh", `Its newest sign of life is ${minutes} minutes old; 25 are in order.`);
  return yes("fresh", `Its newest sign of life is ${minutes < 2 ? "of this minute" : `${minutes} minutes old`}.`);
}

function continued(seen: Checkpoint | undefined): Check {
  if (seen === undefined) return open("seen", "This browser sees it for the first time. From now on it compares.");
  return yes("seen", `It only grew since this browser saw ${seen.size.toLocaleString("en")} entries of it.`);
}

function yes(name: string, sentence: string): Check {
  return { name, result: "yes", sentence };
}

function open(name: string, sentence: string): Check {
  return { name, result: "unknown", sentence };
}
