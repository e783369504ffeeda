/** Sums of a log's postings, by which decisions and closes are judged (SPEC 12.3, 12.6). */
import { toBase64, utf8 } from "./bytes.ts";
import { canonical } from "./json.ts";
import type { Posting } from "./postings.ts";
import type { Guard } from "./registry.ts";
import { sha256 } from "./sha256.ts";

interface Sum {
  readonly account: string;
  readonly asset: string;
  readonly fund: string;
  readonly amount: bigint;
}
type Sums = Map<string, Sum>;

/** Kept apart per month that is not closed: a close counts what belongs to its month, wherever later entries stand. */
export class Balances {
  private closed: Sums = new Map();
  private months = new Map<string, Sums>();

  /** Count an entry's postings in its month. */
  add(period: string, postings: readonly Posting[]): void {
    const sums = this.months.get(period) ?? new Map();
    this.months.set(period, sums);
    for (const line of postings) count(sums, { ...line, amount: BigInt(line.amount) });
  }

  /** Sums that are not zero, of entries whose month is not after this one; of all without it. */
  through(month = "9999-99"): Sum[] {
    const total: Sums = new Map();
    for (const sums of [
      this.closed,
      ...[...this.months].filter(([period]) => period <= month).map(([, sums]) => sums),
    ]) {
      for (const sum of sums.values()) count(total, sum);
    }
    return [...total.values()].filter(({ amount }) => amount !== 0n).sort(inOrder);
  }

  /** The digest that a close of this month must name. */
  digest(month: string): string {
    const lines = this.through(month).map(
      ({ account, asset, fund, amount }) => `${canonical([account, asset, fund, String(amount)])}\n`,
    );
    return toBase64(sha256(utf8(`secondwind/balances/v1\n${lines.join("")}`)));
  }

  /** Put the months up to this one together. */
  close(month: string): void {
    const sums = this.through(month);
    this.closed = new Map();
    for (const sum of sums) count(this.closed, sum);
    for (const period of [...this.months.keys()]) if (period <= month) this.months.delete(period);
  }

  /** Whether these postings leave a guard by fund below zero, in any asset of any fund that they name. */
  breaks({ accounts, sign }: Guard, postings: readonly Posting[]): boolean {
    const funds = new Set(postings.map(({ fund }) => fund));
    const values = new Map<string, bigint>();
    const all = [...this.through(), ...postings.map((line) => ({ ...line, amount: BigInt(line.amount) }))];
    for (const { account, amount, asset, fund } of all) {
      if (!funds.has(fund) || !accounts.includes(account)) continue;
      values.set(`${asset} ${fund}`, (values.get(`${asset} ${fund}`) ?? 0n) + amount);
    }
    return [...values.values()].some((amount) => BigInt(sign) * amount < 0n);
  }
}

function count(sums: Sums, { account, amount, asset, fund }: Sum): void {
  const key = `${account} ${asset} ${fund}`;
  sums.set(key, { account, asset, fund, amount: (sums.get(key)?.amount ?? 0n) + amount });
}

function inOrder(a: Sum, b: Sum): number {
  return compare(a.account, b.account) || compare(a.asset, b.asset) || compare(a.fund, b.fund);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
