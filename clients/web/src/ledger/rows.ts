/** Ledger rows as the page shows them. Pure. */
import type { Entry } from "@secondwind/proof";
import { formatAmount } from "./money.ts";

export interface Row {
  readonly position: number;
  readonly text: string;
  readonly entry: Entry;
  readonly leaf: string;
  /** True once this browser has proved it by itself, whatever came over the wire. */
  readonly proved: boolean;
}

/** Rows that are shown without asking; those that somebody asked for come on top, up to ROWS_LONGEST. */
export const ROWS_MAX = 200;
export const ROWS_LONGEST = 2_000;

/** Rows with some more, newest first, each position once: the newest ROWS_MAX, and all from `floor` on. */
export function merge(rows: readonly Row[], more: readonly Row[], floor = Number.POSITIVE_INFINITY): readonly Row[] {
  const byPosition = new Map(rows.map((row) => [row.position, row]));
  for (const row of more) {
    const known = byPosition.get(row.position);
    byPosition.set(row.position, known?.proved === true ? known : row);
  }
  const sorted = [...byPosition.values()].sort((a, b) => b.position - a.position).slice(0, ROWS_LONGEST);
  return sorted.filter((row, i) => i < ROWS_MAX || row.position >= floor);
}

/** Mark every row below `size` that came over the live way as proved. */
export function prove(rows: readonly Row[], from: number, size: number): readonly Row[] {
  return rows.map((row) =>
    !row.proved && row.position >= from && row.position < size ? { ...row, proved: true } : row,
  );
}

export interface Told {
  readonly kind: string;
  readonly about: string;
  readonly amount: string;
}

const KINDS: Readonly<Record<string, string>> = {
  "giving.gift.received.v1": "Gift",
  "ledger.log.opened.v1": "Ledger opened",
  "ledger.registry.published.v1": "Rules published",
  "ledger.account.declared.v1": "Account declared",
  "ledger.fund.declared.v1": "Fund declared",
  "ledger.policy.changed.v1": "Publishing policy",
  "ledger.period.closed.v1": "Month closed",
  "ledger.anchor.recorded.v1": "Anchor",
};

/** An entry in plain words. `titles` names the funds. */
export function tell(entry: Entry, titles: ReadonlyMap<string, string>): Told {
  const kind = KINDS[entry.type] ?? entry.type;
  const gift = entry.postings.find((line) => line.account === "income:gifts");
  if (gift !== undefined) {
    const amount = formatAmount(-BigInt(gift.amount), gift.asset);
    return { kind, about: titles.get(gift.fund) ?? gift.fund, amount };
  }
  const title = entry.data["title"];
  return { kind, about: typeof title === "string" ? title : "", amount: "" };
}

/** `2026-09-01T12:10:00.000000Z` as the minute that the ledger tells. */
export function minute(at: string): string {
  return `${at.slice(0, 10)} ${at.slice(11, 16)}`;
}
