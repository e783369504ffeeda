/**
 * The websocket to one channel, as a state machine: what to do next, given what happened, the time and a random number.
 * Pure: no socket, no timer, no clock. `feed.ts` carries out what it says. realtime/PROTOCOL.md has the messages.
 *
 * Whatever happens, `last` is the position of the last entry handed over, and the next one handed over is the one after
 * it: a duplicate is passed over, and anything else that does not follow ends the socket, so that the next one asks
 * again from `last`. Times are milliseconds on a clock that never goes back.
 */
import { CHANNEL, type Heard, read, SUB_ID } from "./messages.ts";

/** The server's heartbeat comes every 20 s; a socket without a word for longer than this is dead. */
export const SILENCE_MS_MAX = 30_000;
export const OPENING_MS_MAX = 10_000;
/** After waking, how long an answer to `ping` may take: a socket that died in its sleep does not tell. */
export const PONG_MS_MAX = 5_000;
export const BACKOFF_MS_FIRST = 500;
export const BACKOFF_MS_MAX = 30_000;
/** The first return is spread over two seconds, for everybody else was cut off too. */
export const RETURN_MS_MAX = 2_000;
/** A socket that held this long was good: the next return begins with short pauses again. */
export const STABLE_MS = 30_000;
/** A server that leaves may ask to wait, but not for longer than this. */
export const AFTER_MS_MAX = 60_000;

const CREDIT_PAGES = 2;

type Phase = "waiting" | "opening" | "greeting" | "subscribing" | "catching up" | "live" | "leaving" | "stopped";

export interface Connection {
  readonly phase: Phase;
  /** Position of the last entry handed over. */
  readonly last: number;
  /** The incarnation of the log that `last` is a position of; undefined before the first welcome. */
  readonly epoch: string | undefined;
  /** Sockets in a row that did not hold. */
  readonly attempts: number;
  /** When something is due unless something else happens before; undefined while only a wake-up can help. */
  readonly dueMs: number | undefined;
  /** Since when the server talks to us. */
  readonly welcomeMs: number | undefined;
  /** The page that is coming: its last position, and whether more pages follow. */
  readonly page: { readonly to: number; readonly more: boolean } | undefined;
  /** The page is hidden or the machine offline: no new socket is opened then, and none is closed for it. */
  readonly away: boolean;
}

/** What may happen. `said` is anything that came over the socket, parsed. */
export type Happening =
  | { is: "begun" | "opened" | "closed" | "due" | "woken" | "gone away" | "stopped" }
  | { is: "said"; message: unknown };

/** What is to be done, in order. */
export type Action =
  | { do: "connect" | "disconnect" }
  | { do: "send"; message: object }
  | { do: "entry"; position: number; text: string }
  | { do: "checkpoint"; note: string }
  | { do: "gap" }
  | { do: "show"; state: FeedState };

export type FeedState = "connecting" | "live" | "catching up" | "offline" | "refused";
export type Step = readonly [Connection, readonly Action[]];

/** A connection that has not begun; entries after `last` are what it will ask for. */
export function connection(last: number): Connection {
  return {
    phase: "waiting",
    last,
    epoch: undefined,
    attempts: 0,
    dueMs: undefined,
    welcomeMs: undefined,
    page: undefined,
    away: false,
  };
}

/** The next state and what to do. `random` is from 0 up to, but not including, 1. */
export function step(now: Connection, happening: Happening, nowMs: number, random: number): Step {
  if (now.phase === "stopped") return [now, []];
  switch (happening.is) {
    case "begun":
      return open(now, nowMs);
    case "opened":
      return now.phase === "opening" ? greet(now, nowMs) : [now, []];
    case "said":
      return isConnected(now) ? hear(now, happening.message, nowMs, random) : [now, []];
    case "closed":
      return closed(now, nowMs, random);
    case "due":
      return due(now, nowMs, random);
    case "woken":
      return woken({ ...now, away: false }, nowMs);
    case "gone away":
      return [{ ...now, away: true }, []];
    case "stopped":
      return [{ ...now, phase: "stopped", dueMs: undefined }, [{ do: "disconnect" }]];
  }
}

function isConnected({ phase }: Connection): boolean {
  return phase !== "waiting" && phase !== "opening" && phase !== "stopped";
}

function open(now: Connection, nowMs: number): Step {
  const opening: Connection = { ...now, phase: "opening", dueMs: nowMs + OPENING_MS_MAX, page: undefined };
  return [opening, [{ do: "show", state: "connecting" }, { do: "connect" }]];
}

function greet(now: Connection, nowMs: number): Step {
  const hello = { t: "hello", v: 1, client: { name: "web", ver: "1" } };
  return [{ ...now, phase: "greeting", dueMs: nowMs + OPENING_MS_MAX }, [{ do: "send", message: hello }]];
}

/** Give the socket up, and come back after a pause with full jitter. */
function drop(now: Connection, nowMs: number, random: number): Step {
  const held = now.welcomeMs !== undefined && nowMs - now.welcomeMs >= STABLE_MS;
  const attempts = held ? 0 : now.attempts;
  const longest = Math.max(RETURN_MS_MAX, Math.min(BACKOFF_MS_MAX, BACKOFF_MS_FIRST * 2 ** attempts));
  return wait({ ...now, attempts: attempts + 1 }, nowMs + random * longest);
}

function wait(now: Connection, dueMs: number): Step {
  const waiting: Connection = { ...now, phase: "waiting", dueMs, welcomeMs: undefined, page: undefined };
  return [waiting, [{ do: "disconnect" }, { do: "show", state: "offline" }]];
}

function closed(now: Connection, nowMs: number, random: number): Step {
  if (now.phase === "waiting") return [now, []];
  // A server that said when to come back is taken at its word.
  if (now.phase === "leaving") return wait(now, now.dueMs ?? nowMs);
  return drop(now, nowMs, random);
}

function due(now: Connection, nowMs: number, random: number): Step {
  if (now.dueMs === undefined || nowMs < now.dueMs) return [now, []];
  if (now.phase === "leaving") {
    const [waiting, actions] = wait(now, nowMs);
    const [opening, more] = due(waiting, nowMs, random);
    return [opening, [...actions, ...more]];
  }
  if (now.phase !== "waiting") return drop(now, nowMs, random);
  return now.away ? [{ ...now, dueMs: undefined }, []] : open(now, nowMs);
}

function woken(now: Connection, nowMs: number): Step {
  if (now.phase === "waiting") return open(now, nowMs);
  if (now.phase !== "live" && now.phase !== "catching up") return [now, []];
  const dueMs = Math.min(now.dueMs ?? Number.POSITIVE_INFINITY, nowMs + PONG_MS_MAX);
  return [{ ...now, dueMs }, [{ do: "send", message: { t: "ping", ts: Math.floor(nowMs) } }]];
}

function hear(before: Connection, message: unknown, nowMs: number, random: number): Step {
  const heard = read(message);
  const now = before.phase === "leaving" ? before : { ...before, dueMs: nowMs + SILENCE_MS_MAX };
  switch (heard?.t) {
    case undefined:
      return [now, []]; // kinds and channels that we do not know are for newer pages than this one
    case "welcome":
      return now.phase === "greeting" ? subscribe(now, heard.epoch, nowMs) : [now, []];
    case "ok":
      return now.phase === "subscribing" ? [{ ...now, phase: "live" }, [{ do: "show", state: "live" }]] : [now, []];
    case "err":
      return now.phase === "subscribing" ? drop(now, nowMs, random) : [now, []];
    case "gap":
      return [now, [{ do: "gap" }]];
    case "cu":
      return beginPage(now, heard);
    case "ev":
      return take(now, heard, nowMs, random);
    case "hw":
      // Everything up to there should have come: something was lost on the way.
      return heard.p > now.last ? drop(now, nowMs, random) : [now, []];
    case "checkpoint":
      return [now, [{ do: "checkpoint", note: heard.note }]];
    case "bye":
      return leave(now, heard, nowMs, random);
  }
}

function subscribe(now: Connection, told: string, nowMs: number): Step {
  // Of the incarnation in which `last` was read, not of the one there is: only so the server can tell of a gap.
  const epoch = now.epoch ?? told;
  const message = { t: "sub", id: SUB_ID, s: CHANNEL, from: { e: epoch, p: now.last }, credit: CREDIT_PAGES };
  return [{ ...now, phase: "subscribing", epoch, welcomeMs: nowMs }, [{ do: "send", message }]];
}

function beginPage(now: Connection, page: Heard & { t: "cu" }): Step {
  const phase = now.phase === "leaving" ? "leaving" : "catching up";
  return [{ ...now, phase, page }, page.more ? [{ do: "show", state: "catching up" }] : []];
}

function take(now: Connection, { p, after, d }: Heard & { t: "ev" }, nowMs: number, random: number): Step {
  if (p <= now.last) return [now, []];
  if (after !== now.last) return drop(now, nowMs, random);
  const taken: Connection = { ...now, last: p };
  const entry: Action = { do: "entry", position: p, text: d };
  if (now.page === undefined || p < now.page.to) return [taken, [entry]];
  // The page has been handled, so there is room for the next one.
  const credit: Action = { do: "send", message: { t: "credit", s: CHANNEL, n: 1 } };
  const isLive = !now.page.more && now.phase !== "leaving";
  const handled: Connection = { ...taken, phase: isLive ? "live" : now.phase, page: undefined };
  return [handled, [entry, credit, ...(isLive ? [{ do: "show", state: "live" } as const] : [])]];
}

function leave(now: Connection, bye: Heard & { t: "bye" }, nowMs: number, random: number): Step {
  if (!bye.reconnect) {
    return [{ ...now, phase: "stopped", dueMs: undefined }, [{ do: "disconnect" }, { do: "show", state: "refused" }]];
  }
  if (!bye.soon) return drop(now, nowMs, random);
  return [{ ...now, phase: "leaving", dueMs: nowMs + Math.min(bye.afterMs, AFTER_MS_MAX) }, []];
}
