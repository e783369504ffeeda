/** What the page shows: signals that the session sets and the views read. */
import { computed, signal } from "@preact/signals";
import type { Checkpoint } from "@secondwind/proof";
import type { Totals } from "./ledger/fold.ts";
import { ROWS_LONGEST, type Row } from "./ledger/rows.ts";
import type { Status } from "./net/api.ts";
import type { FeedState } from "./net/connection.ts";

export type Verdict = "checking" | "proved" | "failed" | "unable";

/** Why the page is red: one of the codes that every verifier shares, a sentence, and where. */
export interface Failure {
  readonly code: string;
  readonly sentence: string;
  readonly position: number | undefined;
}

export const verdict = signal<Verdict>("checking");
export const failure = signal<Failure | undefined>(undefined);
export const evidence = signal<string | undefined>(undefined);
export const rows = signal<readonly Row[]>([]);
export const totals = signal<Totals | undefined>(undefined);
export const checkpoint = signal<Checkpoint | undefined>(undefined);
export const seenAt = signal(0);
export const key = signal("");
export const feedState = signal<FeedState>("connecting");
export const status = signal<Status | undefined>(undefined);
export const hasOlder = computed(() => (rows.value.at(-1)?.position ?? 0) > 0 && rows.value.length < ROWS_LONGEST);
