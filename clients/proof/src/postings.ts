/** Double entry: the form, the order and the sums of postings (SPEC 6). */
import { ProofFailure } from "./failure.ts";
import { isRecord } from "./json.ts";

/** One line of double entry; `amount` is a decimal string of minor units, debits positive. */
export interface Posting {
  readonly account: string;
  readonly amount: string;
  readonly asset: string;
  readonly fund: string;
}

export const POSTINGS_MAX = 64;

export const ACCOUNT =
  /^(assets|liabilities|income|expenses|equity|points|stock|tokens|entitlements|uses|budget)(:[a-z0-9_]+)+$/;
export const AMOUNT = /^-?[1-9][0-9]{0,30}$/;
export const ASSET = /^[A-Z][A-Z0-9_:.-]{0,31}(\/[0-9]{1,2})?$/;
export const FUND = /^[a-z][a-z0-9_-]{0,31}$/;
const INTERFUND = "equity:interfund";

/** Whether a value is a list of at most POSTINGS_MAX postings, each of its form. */
export function arePostings(value: unknown): value is readonly Posting[] {
  return Array.isArray(value) && value.length <= POSTINGS_MAX && value.every(isPosting);
}

function isPosting(value: unknown): value is Posting {
  if (!isRecord(value) || Object.keys(value).length !== 4) return false;
  const { account, amount, asset, fund } = value;
  return fits(ACCOUNT, account) && fits(AMOUNT, amount) && fits(ASSET, asset) && fits(FUND, fund);
}

function fits(pattern: RegExp, value: unknown): boolean {
  return typeof value === "string" && pattern.test(value);
}

/** Throws `postings-unsorted` or `sum-not-zero`. */
export function checkPostings(postings: readonly Posting[]): void {
  const sums = new Map<string, bigint>();
  const add = (key: string, amount: bigint): void => void sums.set(key, (sums.get(key) ?? 0n) + amount);
  let before: Posting | undefined;
  for (const line of postings) {
    if (before !== undefined && compare(before, line) >= 0) {
      throw new ProofFailure("postings-unsorted", `${line.account} of ${line.fund} stands out of order`);
    }
    before = line;
    add(`${line.asset} in the fund ${line.fund}`, BigInt(line.amount));
    if (line.account === INTERFUND) add(`${line.asset} between funds`, BigInt(line.amount));
  }
  for (const [what, total] of sums) {
    if (total !== 0n) throw new ProofFailure("sum-not-zero", `${what} sums to ${total}, not to zero`);
  }
}

function compare(a: Posting, b: Posting): number {
  return order(a.account, b.account) || order(a.asset, b.asset) || order(a.fund, b.fund);
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
