import type { Check, ProofFailure } from "@secondwind/proof";

const NAMES: Readonly<Record<string, string>> = {
  signed: "Signed",
  unbroken: "Unbroken",
  rules: "By the rules",
  months: "Months",
  fresh: "Of today",
  seen: "Only grew",
};

/** What was looked at, a line each; a failure is the last one. */
export function Checks({ checks, failure }: { checks: readonly Check[]; failure: ProofFailure | undefined }) {
  return (
    <ul class="checks">
      {checks.map(({ name, result, sentence }) => (
        <Line key={name} name={NAMES[name] ?? name} result={result} sentence={sentence} />
      ))}
      {failure && (
        <Line
          name={failure.code}
          result="failed"
          sentence={`${sentenceOf(failure.message)}${failure.position === undefined ? "" : ` At position ${failure.position}.`}`}
        />
      )}
    </ul>
  );
}

function Line({ name, result, sentence }: { name: string; result: Check["result"] | "failed"; sentence: string }) {
  return (
    <li data-check={name} data-result={result}>
      <Icon result={result} />
      <b>{name}</b>
      <span>{sentence}</span>
    </li>
  );
}

const PATHS = { yes: "M3.500 8.500l3 3 6-7", unknown: "M4 8h8", failed: "M4.500 4.500l7 7m0-7l-7 7" };
const SAID = { yes: "Yes", unknown: "Open", failed: "Failed" };

function Icon({ result }: { result: keyof typeof PATHS }) {
  return (
    <svg viewBox="0 0 16 16" role="img" aria-label={SAID[result]}>
      <path d={PATHS[result]} />
    </svg>
  );
}

function sentenceOf(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?!]$/.test(text) ? "" : "."}`;
}
