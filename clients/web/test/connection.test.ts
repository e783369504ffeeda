/** The connection's state machine: no socket, no timer, and a clock that the tests hold. */
import { describe, expect, test } from "vitest";
import {
  type Action,
  AFTER_MS_MAX,
  BACKOFF_MS_MAX,
  type Connection,
  connection,
  type Happening,
  OPENING_MS_MAX,
  PONG_MS_MAX,
  RETURN_MS_MAX,
  SILENCE_MS_MAX,
  STABLE_MS,
  step,
} from "../src/net/connection.ts";

const RANDOM = 0.5;

/** A connection with a clock; `done` is what the last happening asked for. */
class Bench {
  done: readonly Action[] = [];
  nowMs = 1_000;
  readonly taken: number[] = [];

  constructor(public now: Connection = connection(9)) {}

  tell(happening: Happening, random = RANDOM): this {
    [this.now, this.done] = step(this.now, happening, this.nowMs, random);
    for (const action of this.done) if (action.do === "entry") this.taken.push(action.position);
    return this;
  }

  say(...messages: object[]): this {
    for (const message of messages) this.tell({ is: "said", message });
    return this;
  }

  /** Let time pass until something is due, and let it happen; returns how long that was. */
  due(random = RANDOM): number {
    const waitedMs = (this.now.dueMs ?? Number.NaN) - this.nowMs;
    this.nowMs += waitedMs;
    this.tell({ is: "due" }, random);
    return waitedMs;
  }

  /** All the way to a live subscription. */
  live(epoch = "1"): this {
    if (this.now.phase === "waiting") this.tell({ is: "begun" });
    return this.tell({ is: "opened" }).say({ t: "welcome", e: { ledger: epoch } }, { t: "ok", id: 1, s: "ledger" });
  }

  get doings(): string[] {
    return this.done.map((action) => (action.do === "show" ? action.state : action.do));
  }

  sent(): unknown {
    return this.done.find((action) => action.do === "send")?.message;
  }
}

const ev = (p: number, after = p - 1) => ({ t: "ev", s: "ledger", p, after, d: `entry ${p}` });
const bye = (code: number, more: object = {}) => ({
  t: "bye",
  code,
  reason: "",
  reconnect: true,
  after_ms: 0,
  ...more,
});

describe("opening", () => {
  test("it connects, greets, and subscribes from the last position it has", () => {
    const bench = new Bench().tell({ is: "begun" });
    expect(bench.doings).toEqual(["connecting", "connect"]);
    expect(bench.tell({ is: "opened" }).sent()).toMatchObject({ t: "hello", v: 1 });
    expect(bench.say({ t: "welcome", e: { ledger: "7" } }).sent()).toEqual({
      t: "sub",
      id: 1,
      s: "ledger",
      from: { e: "7", p: 9 },
      credit: 2,
    });
    expect(bench.say({ t: "ok", id: 1, s: "ledger" }).doings).toEqual(["live"]);
  });

  test.each([
    ["the handshake", (bench: Bench) => bench.tell({ is: "begun" })],
    ["the welcome", (bench: Bench) => bench.tell({ is: "begun" }).tell({ is: "opened" })],
  ])("%s may not take for ever", (_, begin) => {
    const bench = begin(new Bench());
    expect(bench.due()).toBe(OPENING_MS_MAX);
    expect(bench.doings).toEqual(["disconnect", "offline"]);
  });

  test("a refused subscription is tried again after a pause", () => {
    const bench = new Bench()
      .tell({ is: "begun" })
      .tell({ is: "opened" })
      .say({ t: "welcome", e: { ledger: "1" } });
    expect(bench.say({ t: "err", id: 1, code: 429, msg: "", retry: true }).doings).toEqual(["disconnect", "offline"]);
  });
});

describe("following", () => {
  test("entries are handed over in order", () => {
    expect(new Bench().live().say(ev(10), ev(11)).taken).toEqual([10, 11]);
  });

  test("what came already is passed over, whenever it comes again", () => {
    const bench = new Bench().live().say(ev(10), ev(10), ev(11), ev(10), ev(4));
    expect(bench.taken).toEqual([10, 11]);
    expect(bench.now.phase).toBe("live");
  });

  test.each([
    ["a hole", [ev(10), ev(12)]],
    ["two in the wrong order", [ev(10), ev(12), ev(11)]],
    ["an entry that does not follow what it says it follows", [ev(10), ev(12, 8)]],
    ["a heartbeat beyond what came", [ev(10), { t: "hw", s: { ledger: 11 } }]],
  ])("%s ends the socket, and the next one asks again from the last good position", (_, messages) => {
    const bench = new Bench().live().say(...messages);
    expect(bench.taken).toEqual([10]);
    expect(bench.now.phase).toBe("waiting");
    bench.due();
    expect(
      bench
        .tell({ is: "opened" })
        .say({ t: "welcome", e: { ledger: "1" } })
        .sent(),
    ).toMatchObject({
      from: { e: "1", p: 10 },
    });
    bench.say({ t: "ok", id: 1 }, ev(11), ev(12));
    expect(bench.taken).toEqual([10, 11, 12]);
  });

  test("a page is paid for when all of it was handled, and the last one leads to live", () => {
    const bench = new Bench().live().say({ t: "cu", s: "ledger", from: 9, to: 11, more: true });
    expect(bench.doings).toEqual(["catching up"]);
    expect(bench.say(ev(10)).sent()).toBeUndefined();
    expect(bench.say(ev(11)).sent()).toEqual({ t: "credit", s: "ledger", n: 1 });
    bench.say({ t: "cu", s: "ledger", from: 11, to: 12, more: false });
    expect(bench.say(ev(12)).doings).toEqual(["entry", "send", "live"]);
  });

  test("the incarnation asked for stays that of the first welcome, so that the server can tell of a gap", () => {
    const bench = new Bench().live("1").tell({ is: "closed" });
    bench.due();
    bench.tell({ is: "opened" }).say({ t: "welcome", e: { ledger: "2" } });
    expect(bench.sent()).toMatchObject({ from: { e: "1", p: 9 } });
    expect(bench.say({ t: "gap", s: "ledger", reason: "another incarnation", p: 3 }).doings).toEqual(["gap"]);
  });

  test.each([
    [undefined],
    ["text"],
    [{ t: "news" }],
    [{ t: "ev", s: "giving:totals", p: 99, after: 98, d: "" }],
    [{ t: "ev", s: "ledger", p: "10", after: 9, d: "" }],
    [{ t: "ev", s: "ledger", p: 10, after: 9, d: 5 }],
    [{ t: "checkpoint", s: "ledger" }],
    [{ t: "hw", s: { ledger: "12" } }],
    [{ t: "hw" }],
  ])("%j is ignored, and still counts as a sign of life", (message) => {
    const bench = new Bench().live();
    bench.nowMs += 5_000;
    bench.tell({ is: "said", message });
    expect(bench.done).toEqual([]);
    expect(bench.now.dueMs).toBe(bench.nowMs + SILENCE_MS_MAX);
  });

  test("checkpoints are passed on as they come", () => {
    expect(new Bench().live().say({ t: "checkpoint", s: "ledger", note: "n" }).done).toEqual([
      { do: "checkpoint", note: "n" },
    ]);
  });

  test("a socket that says nothing is given up, and one that speaks is not", () => {
    const bench = new Bench().live();
    bench.nowMs += SILENCE_MS_MAX - 1;
    expect(bench.tell({ is: "due" }).done).toEqual([]);
    bench.say({ t: "hw", s: { ledger: 9 } });
    expect(bench.due()).toBe(SILENCE_MS_MAX);
    expect(bench.doings).toEqual(["disconnect", "offline"]);
  });
});

describe("coming back", () => {
  test("pauses grow to a bound, each drawn from nothing up to all of it", () => {
    const bench = new Bench().tell({ is: "begun" });
    const longest = Array.from({ length: 10 }, () => {
      bench.tell({ is: "closed" }, 0.999_999);
      return Math.round(bench.due());
    });
    expect(longest).toEqual([2000, 2000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000]);
    expect(longest[0]).toBe(RETURN_MS_MAX);
    expect(longest[9]).toBe(BACKOFF_MS_MAX);
    bench.tell({ is: "closed" }, 0);
    expect(bench.due()).toBe(0);
  });

  test("a socket that is welcomed and cut at once does not shorten the pauses; one that held does", () => {
    const bench = new Bench();
    for (let i = 0; i < 6; i++) {
      bench.live().tell({ is: "closed" });
      bench.due();
    }
    expect(bench.now.attempts).toBe(6);
    bench.live();
    for (let heldMs = 0; heldMs < STABLE_MS; heldMs += 10_000) {
      bench.nowMs += 10_000;
      bench.say({ t: "hw", s: { ledger: 9 } });
    }
    bench.tell({ is: "closed" });
    expect(bench.now.attempts).toBe(1);
  });

  test("a page that nobody sees waits to be seen", () => {
    const bench = new Bench().live().tell({ is: "gone away" }).tell({ is: "closed" });
    bench.due();
    expect([bench.done, bench.now.dueMs]).toEqual([[], undefined]);
    expect(bench.tell({ is: "woken" }).doings).toEqual(["connecting", "connect"]);
  });

  test("one that wakes does not wait for its pause to end", () => {
    const bench = new Bench().live().tell({ is: "closed" });
    expect(bench.tell({ is: "woken" }).doings).toEqual(["connecting", "connect"]);
  });

  test("one that wakes asks its socket whether it lives, and gives it up without an answer", () => {
    const bench = new Bench().live().tell({ is: "woken" });
    expect(bench.sent()).toEqual({ t: "ping", ts: 1_000 });
    expect(bench.due()).toBe(PONG_MS_MAX);
    expect(bench.doings).toEqual(["disconnect", "offline"]);
    const answered = new Bench().live().tell({ is: "woken" }).say({ t: "pong", ts: 1_000 });
    expect(answered.now.dueMs).toBe(answered.nowMs + SILENCE_MS_MAX);
  });

  test("time that stood still while asleep is noticed at once", () => {
    const bench = new Bench().live();
    bench.nowMs += 8 * 3_600_000;
    expect(bench.tell({ is: "due" }).doings).toEqual(["disconnect", "offline"]);
  });
});

describe("a server that says bye", () => {
  test("is left at the time it gave, keeping the position", () => {
    const bench = new Bench().live().say(ev(10), bye(4201, { after_ms: 1_500 }));
    expect(bench.done).toEqual([]);
    bench.say(ev(11));
    expect(bench.taken).toEqual([10, 11]);
    expect(bench.due()).toBe(1_500);
    expect(bench.doings).toEqual(["disconnect", "offline", "connecting", "connect"]);
    expect(
      bench
        .tell({ is: "opened" })
        .say({ t: "welcome", e: { ledger: "1" } })
        .sent(),
    ).toMatchObject({
      from: { p: 11 },
    });
  });

  test("and closes before that time is come back to at that time", () => {
    const bench = new Bench().live().say(bye(4201, { after_ms: 1_500 }));
    bench.nowMs += 200;
    bench.tell({ is: "closed" });
    expect(bench.now.attempts).toBe(0);
    expect(bench.due()).toBe(1_300);
    expect(bench.doings).toEqual(["connecting", "connect"]);
  });

  test.each([
    [-5, 0],
    ["soon", 0],
    [Number.NaN, 0],
    [10 * AFTER_MS_MAX, AFTER_MS_MAX],
  ])("and asks to wait %j ms is waited for %i ms", (after_ms, waited) => {
    expect(new Bench().live().say(bye(4201, { after_ms })).due()).toBe(waited);
  });

  test("for being too slow is come back to after a pause", () => {
    const bench = new Bench().live().say(bye(4113));
    expect(bench.doings).toEqual(["disconnect", "offline"]);
    expect(bench.due()).toBe(RETURN_MS_MAX * RANDOM);
  });

  test("and that there is no way back is not come back to", () => {
    const bench = new Bench().live().say(bye(4001, { reconnect: false }));
    expect(bench.doings).toEqual(["disconnect", "refused"]);
    expect(bench.tell({ is: "woken" }).done).toEqual([]);
    expect(bench.now.dueMs).toBeUndefined();
  });
});

test("once stopped, nothing moves it", () => {
  const bench = new Bench().live().tell({ is: "stopped" });
  expect(bench.doings).toEqual(["disconnect"]);
  for (const is of ["begun", "opened", "closed", "due", "woken"] as const) expect(bench.tell({ is }).done).toEqual([]);
  expect(bench.say(ev(10)).taken).toEqual([]);
});
