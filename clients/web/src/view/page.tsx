import { computed, signal } from "@preact/signals";
import { rows, status } from "../state.ts";
import { Drawer } from "./drawer.tsx";
import { Funds } from "./funds.tsx";
import { Head } from "./head.tsx";
import { Rows } from "./rows.tsx";

const openedAt = signal<number | undefined>(undefined);
/** The row in the drawer, as it is now: it may turn to proved while somebody reads it. */
const opened = computed(() => rows.value.find((row) => row.position === openedAt.value));

export function Page() {
  return (
    <>
      <Banner />
      <main>
        <Head />
        <Funds />
        <Rows onOpen={(position) => (openedAt.value = position)} />
        <footer>
          <p>
            Do not take our word for it: <a href="/verify">verify the whole ledger</a>, here or with one file of Python.
            For programs: <a href="/docs">the interface</a> and <a href="/ledger/checkpoint">the signed checkpoint</a>.
          </p>
        </footer>
      </main>
      {opened.value && <Drawer row={opened.value} onClose={() => (openedAt.value = undefined)} />}
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
