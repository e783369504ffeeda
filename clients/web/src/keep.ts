/**
 * What this browser keeps between visits, per log: its key and the entries that
 * name and change its keys, the newest checkpoint that it verified, and evidence. A
 * browser that keeps nothing loses only that: the page then proves each visit by itself.
 */
import {
  type Checkpoint,
  ProofFailure,
  parseCheckpoint,
  parseEntry,
  parseKey,
  type VerifyKey,
} from "@secondwind/proof";

export type Shelf = Pick<Storage, "getItem" | "setItem">;

export class Keep {
  constructor(private readonly shelf: Shelf | undefined) {}

  /** The log's first key; a service that shows another one than was kept is not believed. */
  pin(offered: string): VerifyKey {
    const parsed = parseKey(offered);
    const kept = this.get("key", parsed.name);
    if (kept !== undefined && kept !== offered) {
      throw new ProofFailure("signature-invalid", "the service shows another key than on your first visit");
    }
    return parsed;
  }

  /** Whether an earlier visit kept this key. */
  hasPinned({ name }: VerifyKey): boolean {
    return this.get("key", name) !== undefined;
  }

  /** Entry 0 and the changes of keys that were proved here; undefined where only the key was kept, or nothing. */
  keyEntries(origin: string): readonly string[] | undefined {
    const lines = this.get("keys", origin)?.split("\n");
    return lines?.every(isEntry) ? lines : undefined;
  }

  /** Keep the first key and, where they are known, the entries about keys; fewer never replace more. */
  keepKeys({ name, text }: VerifyKey, entries: readonly string[] = []): void {
    this.set("key", name, text);
    if (entries.length > (this.keyEntries(name)?.length ?? 0)) this.set("keys", name, entries.join("\n"));
  }

  /** The note of the newest checkpoint that was verified here. */
  seen(origin: string): string | undefined {
    return this.get("seen", origin);
  }

  /** Keep a verified checkpoint, unless another tab has kept a newer one meanwhile. */
  remember({ note, origin, size }: Checkpoint): void {
    if (size >= sizeOf(this.seen(origin))) this.set("seen", origin, note);
  }

  /** Evidence that the log's key signed two histories; it is never taken back. */
  evidence(origin: string): string | undefined {
    return this.get("evidence", origin);
  }

  /** Keep evidence; the first stays. */
  keepEvidence(origin: string, text: string): void {
    if (this.evidence(origin) === undefined) this.set("evidence", origin, text);
  }

  private get(what: string, origin: string): string | undefined {
    try {
      return this.shelf?.getItem(`secondwind.${what}:${origin}`) ?? undefined;
    } catch {
      return undefined;
    }
  }

  private set(what: string, origin: string, text: string): void {
    try {
      this.shelf?.setItem(`secondwind.${what}:${origin}`, text);
    } catch {
      // full, or forbidden: see above
    }
  }
}

/** The browser's own shelf; even to look at it may be forbidden. */
export function browserShelf(): Shelf | undefined {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}

function sizeOf(note: string | undefined): number {
  try {
    return parseCheckpoint((note ?? "").split("\n\n")[0]?.concat("\n") ?? "").size;
  } catch {
    return -1;
  }
}

function isEntry(line: string): boolean {
  try {
    return parseEntry(line) !== undefined;
  } catch {
    return false;
  }
}
