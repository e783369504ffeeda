import { signal } from "@preact/signals";
import type { Row } from "../ledger/rows.ts";
import { reason, status, verdict } from "../session.ts";
import { Drawer } from "./drawer.tsx";
import { Funds } from "./funds.tsx";
import { Head } from "./head.tsx";
import { Rows } from "./rows.tsx";

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

function Verdict() {
  if (verdict.value === "failed") {
    return (
      <section class="verdict failed" role="alert">
        <h2>This does not add up.</h2>
        <p>
          What the service showed contradicts what it signed or what this browser saw before, so nothing more is marked
          as proved. Keep this page, and tell somebody you trust.
        </p>
        <p>
          <code>{reason.value}</code>
        </p>
      </section>
    );
  }
  if (verdict.value === "unable")
    return (
      <section class="verdict unable">
        <p>{reason.value}</p>
      </section>
    );
  return null;
}
