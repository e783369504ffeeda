import { evidence } from "../state.ts";
import { megabytes, script, type Verification, verification, verify, vkey } from "../verification.ts";
import { Brand } from "./brand.tsx";
import { Checks } from "./checks.tsx";
import { Evidence } from "./verdict.tsx";

export function VerifyPage() {
  return (
    <main>
      <header>
        <Brand>
          <a class="feed" href="/">
            The ledger
          </a>
        </Brand>
        <h1>Do not trust us. Check.</h1>
        <p class="lead">
          Your browser now reads the public ledger and works everything out again: the signature, every hash, every sum.
          It asks this service for the ledger's own files and for nothing else.
        </p>
      </header>
      <Run {...verification.value} />
      <Meaning />
      <Yourself />
      <Together />
    </main>
  );
}

const TITLES: Readonly<Record<Verification["verdict"], string>> = {
  checking: "Checking\u2026",
  proved: "Verified, on this device.",
  first: "Consistent. From now on, this browser remembers.",
  failed: "This does not add up.",
  unable: "This browser cannot check signatures.",
  offline: "The ledger cannot be reached.",
};

function Run(run: Verification) {
  const { done, failure, isWhole, size, total, verdict } = run;
  const isDone = verdict !== "checking";
  return (
    <section class="run" data-verdict={verdict} aria-live="polite">
      <h2>{TITLES[verdict]}</h2>
      {!isDone && (
        <>
          <progress value={done} max={Math.max(1, total)} aria-label="Entries read" />
          <p class="note number">
            {done.toLocaleString("en")} of {total > 0 ? total.toLocaleString("en") : "\u2026"} entries
          </p>
        </>
      )}
      <Checks checks={run.checks} failure={failure} />
      {verdict === "unable" && <p>It lacks Ed25519. A newer browser has it, and so has verify.py, below.</p>}
      {verdict === "offline" && <p>That says nothing about the ledger. Try again in a while.</p>}
      {failure && (
        <p>
          Keep what you see here, and tell somebody you trust. Until it is explained, believe no line of the ledger.
        </p>
      )}
      {failure && evidence.value !== undefined && <Evidence text={evidence.value} code={failure.code} />}
      {isDone && (
        <p class="actions">
          <button type="button" onClick={() => void verify(isWhole)}>
            Check again
          </button>
          {!isWhole && size > 0 && (
            <button type="button" onClick={() => void verify(true)}>
              Read all {size.toLocaleString("en")} entries, about {megabytes(size)} MB
            </button>
          )}
        </p>
      )}
    </section>
  );
}

function Meaning() {
  return (
    <section class="meaning">
      <article>
        <h2>What this proves</h2>
        <ul>
          <li>Every entry is the one that was signed. Not a letter was changed afterwards.</li>
          <li>Nothing was taken out, put in between, or put in another order.</li>
          <li>The sums are right: what came in, for which fund, and what went out again.</li>
          <li>Closed months stayed closed, and no decision spent money that a fund did not have.</li>
          <li>What you see today continues what this browser saw before.</li>
        </ul>
      </article>
      <article>
        <h2>What it cannot prove</h2>
        <ul>
          <li>That the money moved in the world. An outside accountant compares the ledger with the bank.</li>
          <li>That every gift was written down. Who gave holds a receipt, and the receipt says by when.</li>
          <li>That others see the same ledger. Compare: with friends, receipts, or witnesses.</li>
          <li>Who gave or received. That is private, and not in here at all.</li>
          <li>That this page is honest. It comes from us. The file below can come from anybody.</li>
        </ul>
      </article>
    </section>
  );
}

function Yourself() {
  const address = `${location.origin}/ledger`;
  const command = `python3 -I verify.py ${address} --key '${vkey.value || "VKEY"}' --first-use seen.txt`;
  return (
    <section>
      <h2>Without this page</h2>
      <p class="lead">
        One file, plain Python 3.9 or newer, nothing to install. It keeps what it saw in <code>seen.txt</code>; run it
        again next month, and it tells you whether the ledger only grew.
      </p>
      <p class="actions">
        <a class="download" href="/verify.py" download="verify.py">
          Download verify.py
        </a>
      </p>
      <dl class="facts-of">
        <dt>SHA-256, computed here</dt>
        <dd>
          <code>{script.value ?? "\u2026"}</code>
        </dd>
        <dt>Run</dt>
        <dd>
          <pre class="raw">{command}</pre>
        </dd>
      </dl>
      <p class="note">
        Better take the key from your receipt or the annual report: the one above is what this service says of itself.
        The same holds for the file: compare its SHA-256 with the project's release.
      </p>
    </section>
  );
}

function Together() {
  return (
    <section>
      <h2>Together it holds</h2>
      <p class="lead">
        A ledger could show one story to you and another to somebody else. It cannot do that to people who compare.
        Every receipt carries the signed head of its day: give yours to <code>verify.py --seen</code>, or send it to a
        journalist. If two heads contradict each other, the program writes a file that proves it to anybody.
      </p>
    </section>
  );
}
