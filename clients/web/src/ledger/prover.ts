/**
 * What this browser has proved, by its own computation: entries are hashed as they come, and when a signed checkpoint's
 * root equals the root over exactly those hashes, they are proved. Pure: no network, no clock, no storage.
 */
import {
  type Accepted,
  type Checkpoint,
  EntryChecker,
  equalHashes,
  type Frontier,
  ProofFailure,
} from "@secondwind/proof";

export class Prover {
  private readonly checker: EntryChecker;
  private waiting: Uint8Array[] = [];
  private pending: Checkpoint | undefined;
  private newest: Checkpoint | undefined;

  /** Continues from a frontier that was proved against a signed checkpoint; `prev` is its last leaf hash in base64. */
  constructor(
    origin: string,
    private frontier: Frontier,
    prev: string,
  ) {
    this.checker = new EntryChecker(origin, frontier.size, prev);
  }

  /** Entries that are proved: positions below this. */
  get provedSize(): number {
    return this.frontier.size;
  }

  /** The newest checkpoint that all of its entries were here for; undefined before the first. */
  get verified(): Checkpoint | undefined {
    return this.newest;
  }

  /** The position that must come next. */
  get next(): number {
    return this.checker.next;
  }

  /** Take the next entry; throws ProofFailure for one that breaks a rule. Afterwards more may be proved. */
  accept(text: string): Accepted {
    const accepted = this.checker.accept(text);
    this.waiting.push(accepted.leaf);
    if (this.pending !== undefined) this.compare(this.pending);
    return accepted;
  }

  /** Take a signed checkpoint; one that is ahead of what has come waits. Throws ProofFailure `root-mismatch`. */
  compare(checkpoint: Checkpoint): void {
    const behind = checkpoint.size - this.frontier.size;
    if (behind < 0) return; // an older one that came late says nothing about what was proved since
    if (behind > this.waiting.length) {
      this.pending = checkpoint;
      return;
    }
    const grown = this.frontier.copy();
    for (const leaf of this.waiting.slice(0, behind)) grown.append(leaf);
    if (!equalHashes(grown.root(), checkpoint.root)) {
      throw new ProofFailure(
        "root-mismatch",
        "the signed root is not the root of what this browser received",
        checkpoint.size,
      );
    }
    this.frontier = grown;
    this.newest = checkpoint;
    this.waiting = this.waiting.slice(behind);
    if (this.pending !== undefined && this.pending.size <= checkpoint.size) this.pending = undefined;
  }
}
