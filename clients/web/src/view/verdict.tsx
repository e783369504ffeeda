import { useEffect, useState } from "preact/hooks";
import { evidence, type Failure, failure, verdict } from "../state.ts";

interface Words {
  readonly title: string;
  readonly what: string;
}

const WORDS: Readonly<Record<string, Words>> = {
  fork: {
    title: "This ledger tells two stories.",
    what:
      "What it signed before is not the beginning of what it shows now, and both are signed with the same key. " +
      "Entries that were published have been changed or exchanged.",
  },
  rollback: {
    title: "This ledger has become shorter.",
    what:
      "It signed more entries before than it shows now. A ledger only ever grows: either entries were taken away, " +
      "or an old copy is being shown as the newest.",
  },
  "key-invalid": {
    title: "Somebody offers a key that is not this ledger's.",
    what: "Only the ledger's recovery key can change the keys that sign it, and it has not signed this change.",
  },
  "signature-missing": {
    title: "None of this ledger's keys signed this.",
    what: "Its keys are known from its first entry and from changes that its recovery key signed. This is of another key.",
  },
};
const OTHERWISE: Words = {
  title: "This does not add up.",
  what: "What the service showed contradicts what it signed, or what this browser saw before.",
};

export function Verdict() {
  if (verdict.value === "failed" && failure.value !== undefined) return <Failed {...failure.value} />;
  if (verdict.value !== "unable") return null;
  return (
    <section class="verdict unable">
      <p>This browser cannot verify Ed25519 signatures, so it cannot prove anything. A newer one can.</p>
    </section>
  );
}

function Failed({ code, sentence, position }: Failure) {
  const { title, what } = WORDS[code] ?? OTHERWISE;
  return (
    <section class="verdict failed" role="alert">
      <h1>{title}</h1>
      <p>{what}</p>
      <p>Nothing more is marked as proved. Keep what you see here, and tell somebody you trust.</p>
      {evidence.value !== undefined && <Evidence text={evidence.value} code={code} />}
      <p class="code">
        <code>
          {code && `${code}: `}
          {sentence}
          {position !== undefined && ` (position ${position})`}
        </code>
      </p>
    </section>
  );
}

/** Both signed heads, or the keys and what was shown, to be kept by whoever sees them. */
export function Evidence({ text, code }: { text: string; code: string }) {
  const href = useObjectUrl(text);
  const held = ["fork", "rollback"].includes(code)
    ? "Both signed checkpoints,"
    : "The keys, and what was shown as signed by them,";
  return (
    <>
      <a class="evidence" href={href} download={`secondwind-${code}.txt`}>
        Save the evidence
      </a>
      <p>{held} in one text file. Anybody can check it without this page and without this service.</p>
    </>
  );
}

function useObjectUrl(text: string): string {
  const [href, setHref] = useState("");
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    setHref(made);
    return () => URL.revokeObjectURL(made);
  }, [text]);
  return href;
}
