/**
 * Who may sign the log while the page is open: changes of keys come over the feed, like any entry, and a head may come
 * before them. Pure: no network, no clock, no storage.
 */
import { type Checkpoint, ProofFailure } from "@secondwind/proof";
import { type KeyHistory, sizeOf } from "./keys.ts";

export class Signers {
  private changing: Promise<unknown> = Promise.resolve();
  private waiting: string | undefined;

  constructor(private history: KeyHistory) {}

  /** What is known by now. */
  get keys(): KeyHistory {
    return this.history;
  }

  /** Follow a change that came; heads that come later wait for it. Throws `key-invalid`, and then nothing has changed. */
  follow(text: string): Promise<void> {
    const followed = this.changing.then(async () => {
      this.history = await this.history.with([text]);
    });
    this.changing = followed.catch(() => undefined); // whoever asked is told
    return followed;
  }

  /**
   * The checkpoint, if a key in force signed it; undefined if entries from `next` on, which have not come yet, may name
   * its key: then it waits. Throws ProofFailure with the shared codes.
   */
  async open(note: string, next: () => number): Promise<Checkpoint | undefined> {
    await this.changing;
    try {
      return await this.history.open(note);
    } catch (error) {
      if (!(error instanceof ProofFailure) || error.code !== "signature-missing" || sizeOf(note) <= next()) throw error;
      this.waiting = note;
      return undefined;
    }
  }

  /** The head that waited for the entries below `next`, once. */
  due(next: number): string | undefined {
    if (this.waiting === undefined || sizeOf(this.waiting) > next) return undefined;
    const note = this.waiting;
    this.waiting = undefined;
    return note;
  }
}
