import { computed } from "@preact/signals";
import { minute, type Row, tell } from "../ledger/rows.ts";
import { loadOlder } from "../session.ts";
import { feedState, hasOlder, rows, totals, verdict } from "../state.ts";
import { MarkBadge, markOf } from "./mark.tsx";

/** What the funds are called. */
export const titles = computed(() => new Map((totals.value?.funds ?? []).map((fund) => [fund.fund, fund.title])));

export function Rows({ onOpen }: { onOpen: (position: number) => void }) {
  if (verdict.value === "failed" && rows.value.length === 0) return null;
  return (
    <section aria-labelledby="ledger">
      <h2 id="ledger">The ledger</h2>
      {rows.value.length === 0 ? (
        <p class="empty">
          {feedState.value === "offline" ? "The service cannot be reached just now." : "Waiting for the first entries…"}
        </p>
      ) : (
        <ol class="rows" reversed>
          {rows.value.map((row) => (
            <Line key={row.position} row={row} onOpen={onOpen} />
          ))}
        </ol>
      )}
      {rows.value.length > 0 && <p class="note">Newest first. Times are in UTC, to the minute.</p>}
      {hasOlder.value && (
        <button type="button" class="older" onClick={() => void loadOlder()}>
          Older entries
        </button>
      )}
    </section>
  );
}

function Line({ row, onOpen }: { row: Row; onOpen: (position: number) => void }) {
  const told = tell(row.entry, titles.value);
  const mark = markOf(row);
  return (
    <li data-state={mark} data-position={row.position}>
      <button type="button" onClick={() => onOpen(row.position)}>
        <span class="what">
          <b>{told.kind}</b>
          {told.about && <span>{told.about}</span>}
        </span>
        <span class="amount">{told.amount}</span>
        <span class="when">
          <time dateTime={row.entry.at}>{minute(row.entry.at)}</time>
          <span class="position">#{row.position.toLocaleString("en")}</span>
        </span>
        <MarkBadge mark={mark} />
      </button>
    </li>
  );
}
