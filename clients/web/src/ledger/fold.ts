/** Totals per fund, kept live: a snapshot that names its position, and every later entry folded onto it. Pure. */
import type { Entry } from "@secondwind/proof";

export interface FundTotals {
  readonly fund: string;
  readonly title: string;
  readonly restriction: string;
  readonly received: ReadonlyMap<string, bigint>;
  readonly fees: ReadonlyMap<string, bigint>;
  readonly available: ReadonlyMap<string, bigint>;
}

export interface Totals {
  /** The newest position that is folded in. */
  readonly position: number;
  readonly funds: readonly FundTotals[];
}

/** What `GET /api/v1/funds` answers. */
export interface FundsAnswer {
  readonly position: number;
  readonly funds: readonly {
    readonly fund: string;
    readonly title: string;
    readonly restriction: string;
    readonly assets: readonly {
      readonly asset: string;
      readonly received_minor: string;
      readonly fees_minor: string;
      readonly available_minor: string;
    }[];
  }[];
}

const AVAILABLE = new Set(["assets:cash", "liabilities:accrued_fees", "liabilities:due_to_general"]);

export function fromAnswer(answer: FundsAnswer): Totals {
  const funds = answer.funds.map((fund) => ({
    fund: fund.fund,
    title: fund.title,
    restriction: fund.restriction,
    received: new Map(fund.assets.map((a) => [a.asset, BigInt(a.received_minor)])),
    fees: new Map(fund.assets.map((a) => [a.asset, BigInt(a.fees_minor)])),
    available: new Map(fund.assets.map((a) => [a.asset, BigInt(a.available_minor)])),
  }));
  return { position: answer.position, funds };
}

/** The totals with one more entry; an entry that is folded in already changes nothing. */
export function fold(totals: Totals, entry: Entry): Totals {
  if (entry.position <= totals.position) return totals;
  let funds = totals.funds;
  if (entry.type === "ledger.fund.declared.v1") {
    const { fund, title, restriction } = entry.data as { fund: string; title: string; restriction: string };
    const known = funds.find((f) => f.fund === fund);
    const empty = { received: new Map(), fees: new Map(), available: new Map() };
    funds = [...funds.filter((f) => f.fund !== fund), { ...empty, ...known, fund, title, restriction }];
  }
  for (const line of entry.postings) {
    const amount = BigInt(line.amount);
    funds = funds.map((f) => {
      if (f.fund !== line.fund) return f;
      const received = line.account === "income:gifts" ? plus(f.received, line.asset, -amount) : f.received;
      const fees = line.account === "expenses:processing" ? plus(f.fees, line.asset, amount) : f.fees;
      const available = AVAILABLE.has(line.account) ? plus(f.available, line.asset, amount) : f.available;
      return { ...f, received, fees, available };
    });
  }
  return { position: entry.position, funds };
}

function plus(sums: ReadonlyMap<string, bigint>, asset: string, amount: bigint): ReadonlyMap<string, bigint> {
  return new Map(sums).set(asset, (sums.get(asset) ?? 0n) + amount);
}
