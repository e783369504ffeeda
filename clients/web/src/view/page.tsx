import { signal } from "@preact/signals";
import type { Row } from "../ledger/rows.ts";
import { status } from "../state.ts";
import { Drawer } from "./drawer.tsx";
import { Funds } from "./funds.tsx";
import { Head } from "./head.tsx";
import { Rows } from "./rows.tsx";
import { Verdict } from "./verdict.tsx";

export const opened = signal<Row | undefined>(undefined);

export function Page() {
  return (
    <>
      <Banner />
      <main>
        <Head />
        <Verdict />
        <Funds />
        <Rows onOpen={(row) => (opened.value = row)} />
        <footer>
          <p>
            Do not take our word for it: <a href="/docs">the interface</a>,{" "}
            <a href="/ledger/checkpoint">the signed checkpoint</a> and one file of Python, <code>verify.py</code>, let
            anybody recompute every line of this page.
          </p>
        </footer>
      </main>
      {opened.value && <Drawer row={opened.value} onClose={() => (opened.value = undefined)} />}
    </>
  );
}

function Banner() {
  const known = status.value;
  if (known === undefined) return null;
  if (known.halted) {
    return (
      <p class="banner halted" role="alert">
        This ledger is halted at {known.halted.at.toLocaleString("en")}: {known.halted.reason}. Nothing is added until
        it is understood.
      </p>
    );
  }
  if (known.mode === "live") return null;
  return (
    <p class="banner">
      {known.mode === "demo" ? "Demonstration: these gifts are simulated." : "Test data: no real money."}
    </p>
  );
}
