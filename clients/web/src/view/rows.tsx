import { computed } from "@preact/signals";
import { minute, type Row, tell } from "../ledger/rows.ts";
import { loadOlder } from "../session.ts";
import { feedState, hasOlder, rows, totals, verdict } from "../state.ts";

const titles = computed(() => new Map((totals.value?.funds ?? []).map((fund) => [fund.fund, fund.title])));

export function Rows({ onOpen }: { onOpen: (row: Row) => void }) {
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
      {hasOlder.value && (
        <button type="button" class="older" onClick={() => void loadOlder()}>
          Older entries
        </button>
      )}
    </section>
  );
}

function Line({ row, onOpen }: { row: Row; onOpen: (row: Row) => void }) {
  const told = tell(row.entry, titles.value);
  const state = verdict.value === "failed" && !row.proved ? "failed" : row.proved ? "proved" : "received";
  return (
    <li data-state={state} data-position={row.position}>
      <button type="button" onClick={() => onOpen(row)}>
        <span class="what">
          <b>{told.kind}</b>
          {told.about && <span>{told.about}</span>}
        </span>
        <span class="amount">{told.amount}</span>
        <span class="when">
          <time dateTime={row.entry.at}>{minute(row.entry.at)}</time>
          <span class="position">#{row.position.toLocaleString("en")}</span>
        </span>
        <span class="mark">
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path
              d={
                state === "proved"
                  ? "M3.500 8.500l3 3 6-7"
                  : state === "failed"
                    ? "M4 4l8 8M12 4l-8 8"
                    : "M8 4.500V8l2.500 1.500"
              }
            />
          </svg>
          {state}
        </span>
      </button>
    </li>
  );
}
