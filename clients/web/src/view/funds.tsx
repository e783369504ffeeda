import { formatAmount } from "../ledger/money.ts";
import { totals, verdict } from "../state.ts";

const NONE = "—";

export function Funds() {
  const known = totals.value;
  if (known === undefined && verdict.value === "failed") return null;
  return (
    <section aria-labelledby="funds">
      <h2 id="funds">Funds</h2>
      <div class="funds">
        {(known?.funds ?? PLACEHOLDERS).map((fund) => (
          <article key={fund.fund}>
            <h3>{fund.title}</h3>
            <p class="total">{amounts(fund.received)}</p>
            <dl>
              <div>
                <dt>Fees</dt>
                <dd>{amounts(fund.fees)}</dd>
              </div>
              <div>
                <dt>Available</dt>
                <dd>{amounts(fund.available)}</dd>
              </div>
            </dl>
          </article>
        ))}
      </div>
      <p class="note">
        {known ? `Received, and what is left, up to entry ${known.position.toLocaleString("en")}.` : "\u00a0"}
      </p>
    </section>
  );
}

const EMPTY: ReadonlyMap<string, bigint> = new Map();
const PLACEHOLDERS = [1, 2, 3, 4].map((n) => ({
  fund: String(n),
  title: "\u00a0",
  received: EMPTY,
  fees: EMPTY,
  available: EMPTY,
}));

function amounts(sums: ReadonlyMap<string, bigint>): string {
  const told = [...sums].map(([asset, minor]) => formatAmount(minor, asset));
  return told.length === 0 ? NONE : told.join(" · ");
}
