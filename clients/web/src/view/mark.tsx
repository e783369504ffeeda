import type { Row } from "../ledger/rows.ts";
import { verdict } from "../state.ts";

export type Mark = "proved" | "received" | "failed";

const PATHS: Readonly<Record<Mark, string>> = {
  proved: "M3.500 8.500l3 3 6-7",
  failed: "M4 4l8 8M12 4l-8 8",
  received: "M8 1.800a6.200 6.200 0 1 0 .01 0M8 4.600V8l2.400 1.500",
};

/** How far this browser has got with a row. */
export function markOf(row: Row): Mark {
  if (row.proved) return "proved";
  return verdict.value === "failed" ? "failed" : "received";
}

export function MarkBadge({ mark }: { mark: Mark }) {
  return (
    <span class="mark" data-mark={mark}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d={PATHS[mark]} />
      </svg>
      {mark === "failed" ? "not proved" : mark}
    </span>
  );
}
