import { useEffect, useRef } from "preact/hooks";
import { formatAmount } from "../ledger/money.ts";
import { minute, type Row, tell } from "../ledger/rows.ts";
import { key } from "../state.ts";
import { MarkBadge, markOf } from "./mark.tsx";
import { titles } from "./rows.tsx";

export function Drawer({ row, onClose }: { row: Row; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  const told = tell(row.entry, titles.value);
  const proof = `/api/v1/ledger/proof/${row.position}`;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: a click beside the drawer closes it; the keyboard has Escape for that
    <dialog
      ref={dialog}
      class="drawer"
      aria-labelledby="entry"
      onClose={onClose}
      onClick={(event) => event.target === event.currentTarget && onClose()}
    >
      <div class="inside">
        <header>
          <h2 id="entry">Entry {row.position.toLocaleString("en")}</h2>
          <button type="button" class="close" onClick={onClose} aria-label="Close">
            ×
          </button>
        </header>
        <p class="facts">
          <span>
            <b>{told.kind}</b> {told.about}
          </span>
          <time dateTime={row.entry.at}>{minute(row.entry.at)} UTC</time>
          <MarkBadge mark={markOf(row)} />
        </p>
        {row.entry.postings.length > 0 && (
          <table>
            <thead>
              <tr>
                <th>Account</th>
                <th>Fund</th>
                <th class="amount">Amount</th>
              </tr>
            </thead>
            <tbody>
              {row.entry.postings.map((line) => (
                <tr key={`${line.account} ${line.asset} ${line.fund}`}>
                  <td>{line.account}</td>
                  <td>{line.fund}</td>
                  <td class="amount">{formatAmount(BigInt(line.amount), line.asset)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
        <h3>The exact bytes</h3>
        <pre class="raw">{row.text}</pre>
        <h3>Leaf hash</h3>
        <pre class="raw">{row.leaf}</pre>
        <h3>Verify it yourself</h3>
        <pre class="raw">{`curl -s ${location.origin}${proof} > entry-${row.position}.tlog-proof
curl -sO ${location.origin}/api/v1/ledger/entries/${row.position}
# any C2SP tool opens the proof; the whole log, with one file of Python:
python3 -I verify.py ${location.origin}/ledger --key '${key.value}'`}</pre>
        <p>
          <a href={proof}>The proof of this entry (.tlog-proof)</a>
        </p>
      </div>
    </dialog>
  );
}
