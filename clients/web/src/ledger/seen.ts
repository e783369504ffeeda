/** What this browser saw on an earlier visit, held against what the service shows now. Pure. */
import { type Checkpoint, equalHashes, ProofFailure, type TileTree } from "@secondwind/proof";

/**
 * Returns if the log that `seen` is the head of is the beginning of the log behind `tree`. Throws ProofFailure
 * `rollback` where that log is shorter, `fork` where it is another one, and the codes of tiles that prove nothing.
 */
export async function continues(seen: Checkpoint, tree: TileTree): Promise<void> {
  const { size } = tree.checkpoint;
  if (size < seen.size) {
    throw new ProofFailure("rollback", `it has ${size} entries now, and had ${seen.size} on an earlier visit`);
  }
  const then = await tree.frontier(seen.size);
  if (!equalHashes(then.root(), seen.root)) {
    throw new ProofFailure("fork", `its first ${seen.size} entries are not the ones that it signed before`);
  }
}

/** Whether two checkpoints cannot both be of one log, as far as they tell by themselves. */
export function contradict(one: Checkpoint, other: Checkpoint): boolean {
  return one.size === other.size && !equalHashes(one.root, other.root);
}

/** Both signed heads in one text, in the form that `verify.py` writes: anybody can check them without this page. */
export function evidence(seen: Checkpoint, served: Checkpoint): string {
  const why =
    served.size < seen.size
      ? "The second was served after the first, and it is the head of a shorter log.\n"
      : "The entries served under the second head, up to the size of the first, do not hash to the first head's root.\n";
  const first = `--- seen before (in this browser) ---\n${seen.note}`;
  return `Two checkpoints signed by one key for histories that contradict each other.\n${why}\n${first}\n--- served now ---\n${served.note}`;
}
