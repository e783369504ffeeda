/** One run of the verification, told through signals; what it saw is kept, so that the next visit compares with it. */
import { signal } from "@preact/signals";
import {
  type Check,
  type Checkpoint,
  canVerify,
  openCheckpoint,
  ProofFailure,
  sha256,
  toHex,
  utf8,
  type VerifyKey,
  verifyLog,
} from "@secondwind/proof";
import { keep, keepEvidence, keysOf, remembered } from "./judge.ts";
import * as api from "./net/api.ts";

/** What a phone reads in some seconds; beyond it a sample is drawn until somebody asks for all. */
const ENTRIES_MAX = 20_000;
const SAMPLE_BYTES_PER_ENTRY = 700;

export type RunVerdict = "checking" | "proved" | "first" | "failed" | "unable" | "offline";

export interface Verification {
  readonly verdict: RunVerdict;
  readonly checks: readonly Check[];
  readonly done: number;
  readonly total: number;
  readonly size: number;
  readonly isWhole: boolean;
  readonly failure: ProofFailure | undefined;
}

const BEGUN: Verification = {
  verdict: "checking",
  checks: [],
  done: 0,
  total: 0,
  size: 0,
  isWhole: false,
  failure: undefined,
};

export const verification = signal<Verification>(BEGUN);
export const vkey = signal("");
export const script = signal<string | undefined>(undefined);

/** About how many megabytes it takes to read a whole log. */
export const megabytes = (size: number): number => Math.max(1, Math.round((size * SAMPLE_BYTES_PER_ENTRY) / 1e6));

/** Verify the log as it is served now, by a sample where it is large, unless all of it is asked for. */
export async function verify(isAll = false): Promise<void> {
  verification.value = BEGUN;
  void hashScript();
  if (!(await canVerify())) {
    tell({ verdict: "unable" });
    return;
  }
  let key: VerifyKey | undefined;
  let seen: Checkpoint | undefined;
  try {
    const hint = await api.keys();
    key = keep.pin(hint.first);
    vkey.value = key.text;
    const note = keep.seen(key.name);
    seen = await remembered(await keysOf(key, hint), note);
    const { head, isWhole } = await verifyLog({
      // Not from a cache: what is judged is what the service shows now.
      read: (path) => api.file(path, "no-cache"),
      key,
      seen,
      now: Date.now(),
      entriesMax: isAll ? Number.MAX_SAFE_INTEGER : ENTRIES_MAX,
      onCheck: (check) => tell({ checks: [...verification.value.checks, check] }),
      onProgress: (done, total) => tell({ done, total }),
    });
    keep.remember(head);
    keep.keepKeys(key);
    tell({ verdict: seen === undefined ? "first" : "proved", isWhole, size: head.size });
  } catch (error) {
    if (!(error instanceof ProofFailure)) tell({ verdict: "offline" });
    else {
      if (key !== undefined && seen !== undefined) await keepBoth(error.code, seen, key);
      tell({ verdict: "failed", failure: error });
    }
  }
}

/** Keep the two heads that contradict each other, if that is what failed and the one served now is signed. */
async function keepBoth(code: string, seen: Checkpoint, key: VerifyKey): Promise<void> {
  try {
    keepEvidence(code, seen, await openCheckpoint(await api.checkpoint(), key));
  } catch {
    // Not signed, or gone: then it contradicts nothing.
  }
}

function tell(news: Partial<Verification>): void {
  verification.value = { ...verification.value, ...news };
}

/** The SHA-256 of the verifier that this service offers, computed here. */
async function hashScript(): Promise<void> {
  try {
    const answer = await fetch("/verify.py", { cache: "no-cache", credentials: "omit" });
    if (answer.ok) script.value = toHex(sha256(utf8(await answer.text())));
  } catch {
    // The run says that the service cannot be reached; there is nothing to add.
  }
}
