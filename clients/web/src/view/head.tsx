import { toBase64 } from "@secondwind/proof";
import { useEffect, useState } from "preact/hooks";
import type { FeedState } from "../net/connection.ts";
import { checkpoint, feedState, key, seenAt, verdict } from "../state.ts";
import { Brand } from "./brand.tsx";
import { Verdict } from "./verdict.tsx";

const TICK_MS = 1000;
const FEED: Readonly<Record<FeedState, string>> = {
  connecting: "Connecting",
  live: "Live",
  "catching up": "Catching up",
  offline: "Offline, coming back",
  refused: "Reload to go on",
};

export function Head() {
  const hasFailed = verdict.value === "failed";
  return (
    <header>
      <Brand>
        <span class="feed" data-feed={hasFailed ? "stopped" : feedState.value}>
          <i aria-hidden="true" />
          {hasFailed ? "Stopped" : FEED[feedState.value]}
        </span>
      </Brand>
      {/* A page that says "proved" above its own contradiction would be hard to believe in either. */}
      {!hasFailed && <Pitch />}
      <Verdict />
      {(!hasFailed || checkpoint.value !== undefined) && <Signed />}
    </header>
  );
}

function Pitch() {
  return (
    <>
      <h1>Every gift, as it arrives, proved by your own browser.</h1>
      <p class="lead">
        People give; the money pays rent, transport and technology for people in recovery. This is the whole public
        ledger. Each line is signed, chained to the one before it, and checked here, on your device, before it is
        marked.
      </p>
    </>
  );
}

function Signed() {
  const age = useAge(seenAt.value);
  const newest = checkpoint.value;
  return (
    <dl class="signed">
      <div>
        <dt>Newest checkpoint</dt>
        <dd class="number">{newest ? `${newest.size.toLocaleString("en")} entries` : "…"}</dd>
      </div>
      <div>
        <dt>Root</dt>
        <dd>
          <code title={newest ? toBase64(newest.root) : ""}>
            {newest ? `${toBase64(newest.root).slice(0, 12)}…` : "…"}
          </code>
        </dd>
      </div>
      <div>
        <dt>Checked here</dt>
        <dd class="number">{newest ? age : "…"}</dd>
      </div>
      <div>
        <dt>Key since your first visit</dt>
        <dd>
          <code title={key.value}>{key.value ? `${key.value.split("+")[1] ?? ""}` : "…"}</code>
        </dd>
      </div>
    </dl>
  );
}

function useAge(since: number): string {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.max(0, Math.round((now - since) / 1000));
  if (seconds < 2) return "just now";
  return seconds < 90 ? `${seconds} s ago` : `${Math.round(seconds / 60)} min ago`;
}
