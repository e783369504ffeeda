/**
 * Who may sign the log: its first key, and every change that its recovery key signed (SPEC 12.7 to 12.11; attacks A4).
 * Pure: no network, no clock, no storage. What is said here is signed; that it stands in the log, `prove` tells.
 */
import {
  type Accepted,
  type Checkpoint,
  EMPTY_PREV,
  EntryChecker,
  equalHashes,
  Keyring,
  ProofFailure,
  parseCheckpoint,
  parseEntry,
  type TileTree,
  type VerifyKey,
} from "@secondwind/proof";

export const KEY_CHANGES: readonly string[] = ["ledger.key.introduced.v1", "ledger.key.retired.v1"];

/** How many changes of keys the service tells of, and the log's first key: a hint, and nothing to believe. */
export interface KeysHint {
  readonly first: string;
  readonly changes: number;
}

/** Read what `/ledger/keys` says: `<vkey> <from> <to>` per line, `-` for open. */
export function readHint(answer: string): KeysHint {
  const lines = answer.split("\n").filter((line) => line !== "");
  const retired = lines.filter((line) => line.split(" ")[2] !== "-").length;
  return { first: lines[0]?.split(" ")[0] ?? "", changes: Math.max(0, lines.length - 1) + retired };
}

export const isKeyChange = (type: string): boolean => KEY_CHANGES.includes(type);

/** The log's entry 0 and its changes of keys, as far as they are known here. It never changes; `with` makes another. */
export class KeyHistory {
  private constructor(
    private readonly first: VerifyKey,
    private readonly keyring: Keyring,
    private readonly entries: readonly Accepted[],
  ) {}

  /** Throws ProofFailure for an entry 0 that does not name `first`, and `key-invalid` for a change nobody may make. */
  static async of(first: VerifyKey, texts: readonly string[]): Promise<KeyHistory> {
    const entries = distinct(texts);
    const [opened, ...changes] = entries;
    if (opened === undefined) throw new ProofFailure("genesis-invalid", "the log's entry 0 is not there", 0);
    new EntryChecker(first.name, 0, EMPTY_PREV).accept(opened.text);
    if (opened.entry.data["key"] !== first.text) {
      throw new ProofFailure("signature-invalid", "entry 0 names another key than the service showed before", 0);
    }
    const keyring = new Keyring();
    await keyring.follow(opened.entry);
    for (const { entry } of changes) await follow(keyring, entry, first.name);
    return new KeyHistory(first, keyring, entries);
  }

  get changes(): number {
    return this.entries.length - 1;
  }

  get recovery(): VerifyKey | undefined {
    return this.keyring.recovery;
  }

  /** The key to name to others at this size: the first one, for as long as it is in force. */
  nameable(size: number): VerifyKey {
    return this.keyring.signers(size)[0] ?? this.first;
  }

  /** This and more changes, in the log's order. Throws `key-invalid` for one that the recovery key did not sign. */
  with(texts: readonly string[]): Promise<KeyHistory> {
    return KeyHistory.of(this.first, [...this.textsBefore(Number.POSITIVE_INFINITY), ...texts]);
  }

  /** The entries that a log of `size` entries has, oldest first, as they are kept. */
  textsBefore(size: number): string[] {
    return this.entries.filter(({ entry }) => entry.position < size).map(({ text }) => text);
  }

  /** What of it stands in a log of `size` entries. A change counts from a later size on, so no head of then needs more. */
  before(size: number): Promise<KeyHistory> {
    return KeyHistory.of(this.first, this.textsBefore(Math.max(1, size)));
  }

  /** The checkpoint, if a key in force at its size signed it. Throws ProofFailure with the shared codes. */
  open(note: string): Promise<Checkpoint> {
    return this.keyring.open(note, sizeOf(note));
  }

  /** Returns if every entry that `known` does not have stands in the signed tree; throws `tile-mismatch` if not. */
  async prove(tree: TileTree, known: readonly string[]): Promise<void> {
    for (const { entry, leaf, text } of this.entries) {
      if (known.includes(text) || equalHashes(await tree.leaf(entry.position), leaf)) continue;
      throw new ProofFailure("tile-mismatch", "a change of keys is not in the tree that was signed", entry.position);
    }
  }

  /** What was shown, for whoever is to judge it without this page. */
  evidence(why: string, shown: readonly string[], note: string): string {
    const held = `first    ${this.first.text}\nrecovery ${this.recovery?.text ?? "unknown"}`;
    const entries = [...new Set([...this.textsBefore(Number.POSITIVE_INFINITY), ...shown])].join("\n");
    return [
      `A signature that none of the log's keys made, or a key that its recovery key did not sign.\n${why}\n`,
      `--- keys held (in this browser) ---\n${held}\n`,
      `--- entry 0 and changes of keys, as they were shown ---\n${entries}\n`,
      `--- served now ---\n${note}`,
    ].join("\n");
  }
}

/** The size that a note tells of, before anybody has looked who signed it. */
export function sizeOf(note: string): number {
  return parseCheckpoint(`${note.split("\n\n")[0] ?? ""}\n`).size;
}

function distinct(texts: readonly string[]): Accepted[] {
  return [...new Set(texts)].map((text) => parseEntry(text)).sort((a, b) => a.entry.position - b.entry.position);
}

async function follow(keyring: Keyring, entry: Accepted["entry"], origin: string): Promise<void> {
  if (entry.log !== origin || !isKeyChange(entry.type)) {
    throw new ProofFailure("key-invalid", `${entry.type} of ${entry.log} changes no key here`, entry.position);
  }
  try {
    await keyring.follow(entry);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ProofFailure("key-invalid", why, entry.position);
  }
}
