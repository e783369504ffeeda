/** A log read from its beginning, every entry by every rule: what `verify.py` does, in the browser. */
import { type Accepted, EMPTY_PREV, EntryChecker } from "./entry.ts";
import { ProofFailure } from "./failure.ts";
import { Keyring } from "./keyring.ts";
import { Frontier } from "./merkle.ts";
import { LogRules } from "./rules.ts";

/** Judges entries from position 0 on. After a failure it is of no further use. */
export class LogChecker {
  readonly frontier = new Frontier();
  readonly keyring = new Keyring();
  readonly rules = new LogRules();
  newestAt = "";
  private readonly entries: EntryChecker;

  constructor(readonly origin: string) {
    this.entries = new EntryChecker(origin, 0, EMPTY_PREV);
  }

  /** Accept the next entry, or throw ProofFailure at its position. Whatever goes wrong is a failure there (attacks A15). */
  async accept(bytes: string | Uint8Array): Promise<Accepted> {
    const position = this.entries.next;
    try {
      const accepted = this.entries.accept(bytes);
      this.rules.follow(accepted.entry);
      await this.keyring.follow(accepted.entry);
      this.frontier.append(accepted.leaf);
      this.newestAt = accepted.entry.at;
      return accepted;
    } catch (error) {
      const [code, why] =
        error instanceof ProofFailure ? [error.code, error.message] : ["entry-malformed", String(error)];
      throw new ProofFailure(code, why, position);
    }
  }

  /** What is judged at the end of a log and not of an entry. */
  checkEnd(): void {
    if (this.frontier.size > 0) this.rules.checkEnd(this.newestAt, this.frontier.size);
  }
}
