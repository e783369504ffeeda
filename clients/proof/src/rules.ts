/** The rules of a log that only its entries since the beginning can tell: SPEC 4.6 to 4.10, 5 and 12. */

import { Balances } from "./balances.ts";
import { toBase64, utf8 } from "./bytes.ts";
import { ProofFailure } from "./failure.ts";
import { fits } from "./fields.ts";
import { canonical } from "./json.ts";
import type { Entry } from "./members.ts";
import { Policies } from "./policies.ts";
import { EXTENDED, extendRegistry, LEDGER_TYPES, type Registry, readRegistry, type TypeSpec } from "./registry.ts";
import { sha256 } from "./sha256.ts";

const CLOSED = "ledger.period.closed.v1";
const MONEY = /^(assets|liabilities|income|expenses|equity):/;
const DAY_MS = 86_400_000;
const OVERDUE_DAYS = 20;

/** Folds a log from position 0. What it carries grows with what the log declares, not with the log. */
export class LogRules {
  readonly balances = new Balances();
  readonly titles = new Map<string, string>();
  readonly unknown = new Map<string, number>();
  closed = "";
  mode = "";
  newestAnchor: string | undefined;
  private registry: Registry = { guards: {}, types: LEDGER_TYPES };
  private registryDigest = "";
  private readonly accounts = new Set<string>();
  private readonly funds = new Set(["none"]);
  private readonly pending = new Map<number, string>();
  private readonly policies = new Policies();
  private calendar: Calendar | undefined;
  private firstMonth = "";

  /** Judge the entry that comes next, accepted by an EntryChecker already. Throws ProofFailure, and then is of no use. */
  follow(entry: Entry): void {
    const { data, period, position, postings, type } = entry;
    const spec = Object.hasOwn(this.registry.types, type) ? this.registry.types[type] : undefined;
    if (spec === undefined) this.unknown.set(type, (this.unknown.get(type) ?? 0) + 1);
    else checkData(entry, spec);
    if (position === 0) this.calendar = new Calendar(String(data["time_zone"]));
    const month = this.month(entry.at);
    this.checkPeriod(entry, month);
    for (const { account, asset, fund } of postings) {
      if (!this.accounts.has(`${account} ${asset}`))
        fail("account-undeclared", `${account} is not declared for ${asset}`);
      if (!this.funds.has(fund)) fail("fund-undeclared", `the fund ${fund} is not declared`);
    }
    this.checkPending(entry);
    for (const name of spec?.guards ?? []) {
      const guard = this.registry.guards[name];
      if (guard && this.balances.breaks(guard, postings))
        fail("guard-broken", `${name} falls below zero by a decision`);
    }
    if (spec && "people_min" in spec.data && "people_min" in data) {
      this.policies.check(data["people_min"], period, month);
    }
    if (spec && type.startsWith("ledger.")) this.declare(entry, month);
    this.balances.add(period, postings);
    this.firstMonth ||= month;
  }

  /** At the end of a log, no month may be open 20 days after it. Throws `period-unclosed`. */
  checkEnd(newestAt: string, size: number): void {
    const late = new Date(new Date(newestAt).getTime() - OVERDUE_DAYS * DAY_MS).toISOString();
    const month = this.closed === "" ? this.firstMonth : monthAfter(this.closed);
    if (month < this.month(late)) {
      throw new ProofFailure(
        "period-unclosed",
        `${month} ended more than ${OVERDUE_DAYS} days ago and is not closed`,
        size,
      );
    }
  }

  private month(at: string): string {
    return this.calendar?.month(at) ?? at.slice(0, 7);
  }

  private checkPeriod({ period, type }: Entry, month: string): void {
    if (type !== CLOSED && period !== month && period !== monthBefore(month)) {
      fail("period-invalid", `the period ${period} is neither ${month} nor the month before`);
    }
    if (period <= this.closed) fail("period-closed", `the period ${period} was closed before`);
  }

  private checkPending({ at, expires_at, phase, position, refers_to }: Entry): void {
    if (phase === "pending" && expires_at !== undefined) this.pending.set(position, expires_at);
    if (phase === undefined || phase === "pending") return;
    for (const earlier of refers_to ?? []) {
      const expires = this.pending.get(earlier);
      if (expires === undefined) fail("phase-invalid", `position ${earlier} is not pending, or no longer`);
      if (phase === "expired" && at < expires) fail("phase-invalid", `position ${earlier} has not expired yet`);
    }
    for (const earlier of refers_to ?? []) this.pending.delete(earlier);
  }

  private declare({ at, data, log, period, type }: Entry, month: string): void {
    if (type === "ledger.log.opened.v1") this.mode = String(data["mode"]);
    else if (type === "ledger.anchor.recorded.v1") this.newestAnchor = at;
    else if (type === CLOSED) this.close(data, period, month);
    else if (type === "ledger.fund.declared.v1") {
      this.funds.add(String(data["fund"]));
      this.titles.set(String(data["fund"]), String(data["title"]));
    } else if (type === "ledger.account.declared.v1") {
      const account = String(data["account"]);
      if (!MONEY.test(account) && !log.endsWith("/books")) fail("data-invalid", `${account} belongs in books`);
      for (const asset of data["assets"] as string[]) this.accounts.add(`${account} ${asset}`);
    } else if (type === "ledger.policy.changed.v1") {
      if (digestOf(data["policy"]) !== data["sha256"]) fail("data-invalid", "sha256 is not the hash of the policy");
      this.policies.change(String(data["from"]), String(data["policy"]), month);
    } else if (type === "ledger.registry.published.v1") {
      this.registryDigest = digestOf(data["registry"]);
      if (this.registryDigest !== data["sha256"]) fail("registry-invalid", "sha256 is not the hash of the registry");
      this.registry = readRegistry(String(data["registry"]), this.registry);
    } else if (type === EXTENDED) {
      if (digestOf(data["registry"]) !== data["sha256"])
        fail("registry-invalid", "sha256 is not the hash of the registry");
      this.registry = extendRegistry(String(data["registry"]), this.registry);
      this.registryDigest = digestOf(canonical(this.registry));
    }
  }

  private close(data: Entry["data"], period: string, month: string): void {
    if (period >= month) fail("period-invalid", `the period ${period} is not over`);
    if (this.closed !== "" && period !== monthAfter(this.closed))
      fail("period-invalid", `${period} closes out of order`);
    if (data["registry"] !== this.registryDigest)
      fail("data-invalid", "registry is not the hash of the registry in force");
    if (data["balances"] !== this.balances.digest(period)) {
      fail("data-invalid", `balances is not the trial balance through ${period}`);
    }
    this.balances.close(period);
    this.closed = period;
  }
}

/** Months of a time zone. Entries that follow one another mostly share their time, so the newest answer is kept. */
class Calendar {
  private readonly format: Intl.DateTimeFormat;
  private kept: readonly [string, string] = ["", ""];

  constructor(timeZone: string) {
    this.format = new Intl.DateTimeFormat("en", { calendar: "iso8601", month: "2-digit", timeZone, year: "numeric" });
  }

  month(at: string): string {
    if (this.kept[0] !== at) {
      const parts = this.format.formatToParts(new Date(at));
      const part = (name: string): string => parts.find(({ type }) => type === name)?.value ?? "";
      this.kept = [at, `${part("year").padStart(4, "0")}-${part("month")}`];
    }
    return this.kept[1];
  }
}

function checkData({ data, postings, private: sealed, refers_to, type }: Entry, spec: TypeSpec): void {
  for (const [name, value] of Object.entries(data)) {
    const field = Object.hasOwn(spec.data, name) ? spec.data[name] : undefined;
    if (field === undefined || !fits(field, value)) fail("data-invalid", `${name} of ${type} is not of its form`);
  }
  const missing = Object.entries(spec.data).find(([name, { need }]) => need !== "may" && !Object.hasOwn(data, name));
  if (missing !== undefined) fail("data-invalid", `${type} lacks ${missing[0]}`);
  if (spec.slots.length > 0 !== (sealed !== undefined))
    fail("private-invalid", `${type} has ${spec.slots.length} slots`);
  if ((spec.postings === "some") !== postings.length > 0)
    fail("data-invalid", `${type} has postings: ${spec.postings}`);
  const refers = refers_to !== undefined;
  if (spec.refers !== "may" && refers !== (spec.refers === "must"))
    fail("refers-invalid", `refers_to of ${type}: ${spec.refers}`);
}

function digestOf(text: unknown): string {
  return toBase64(sha256(utf8(String(text))));
}

function monthAfter(month: string): string {
  const [year, number] = [Number(month.slice(0, 4)), Number(month.slice(5))];
  return number === 12 ? named(year + 1, 1) : named(year, number + 1);
}

function monthBefore(month: string): string {
  const [year, number] = [Number(month.slice(0, 4)), Number(month.slice(5))];
  return number === 1 ? named(year - 1, 12) : named(year, number - 1);
}

function named(year: number, month: number): string {
  return `${String(year).padStart(4, "0")}-${String(month).padStart(2, "0")}`;
}

function fail(code: string, why: string): never {
  throw new ProofFailure(code, why);
}
