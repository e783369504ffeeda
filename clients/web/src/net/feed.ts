/**
 * One websocket to the ledger, kept open: it follows from an exact position, pays for pages with credit, and comes back
 * by itself with full jitter. `after` of every entry must be the position before it, or it starts again from there.
 */
export interface FeedEvents {
  entry(position: number, text: string): void;
  checkpoint(note: string): void;
  state(state: FeedState): void;
  gap(): void;
}

export type FeedState = "connecting" | "live" | "catching up" | "offline";

const CHANNEL = "ledger";
const SILENCE_MS_MAX = 30_000;
const BACKOFF_FIRST_MS = 500;
const BACKOFF_LONGEST_MS = 30_000;

export class Feed {
  private socket: WebSocket | undefined;
  private attempts = 0;
  private silence: ReturnType<typeof setTimeout> | undefined;
  private again: ReturnType<typeof setTimeout> | undefined;
  private stopped = false;

  /** `last`: the newest position the page has; entries after it are asked for. */
  constructor(
    private readonly url: string,
    private last: number,
    private readonly events: FeedEvents,
  ) {
    addEventListener("online", this.comeBack);
    document.addEventListener("visibilitychange", this.comeBack);
  }

  /** Open the socket. */
  start(): void {
    this.events.state("connecting");
    const socket = new WebSocket(this.url, "rt.v1.json");
    this.socket = socket;
    socket.onopen = () => this.send({ t: "hello", v: 1, client: { name: "web", ver: "1" } });
    socket.onmessage = (message) => this.receive(JSON.parse(String(message.data)) as Message);
    socket.onclose = () => this.closed(socket);
    this.listen();
  }

  /** Close for good. */
  stop(): void {
    this.stopped = true;
    clearTimeout(this.silence);
    clearTimeout(this.again);
    removeEventListener("online", this.comeBack);
    document.removeEventListener("visibilitychange", this.comeBack);
    this.socket?.close();
  }

  private readonly comeBack = (): void => {
    if (!this.stopped && this.socket === undefined && !document.hidden) {
      clearTimeout(this.again);
      this.start();
    }
  };

  private receive(message: Message): void {
    this.listen();
    switch (message.t) {
      case "welcome":
        this.attempts = 0;
        this.send({ t: "sub", id: 1, s: CHANNEL, from: { e: message.e[CHANNEL] ?? "", p: this.last }, credit: 2 });
        break;
      case "ok":
        this.events.state("live");
        break;
      case "gap":
        this.events.gap();
        break;
      case "cu":
        this.events.state(message.more ? "catching up" : "live");
        this.send({ t: "credit", s: CHANNEL, n: 1 });
        break;
      case "ev":
        if (message.after !== this.last) {
          this.socket?.close(); // a hole: come back and ask again from where this page really is
          return;
        }
        this.last = message.p;
        this.events.entry(message.p, message.d);
        break;
      case "checkpoint":
        this.events.checkpoint(message.note);
        break;
    }
  }

  private listen(): void {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.socket?.close(), SILENCE_MS_MAX);
  }

  private closed(socket: WebSocket): void {
    if (this.socket !== socket || this.stopped) return;
    this.socket = undefined;
    clearTimeout(this.silence);
    this.events.state("offline");
    const longest = Math.min(BACKOFF_LONGEST_MS, BACKOFF_FIRST_MS * 2 ** this.attempts++);
    this.again = setTimeout(() => this.comeBack(), Math.random() * longest);
  }

  private send(message: object): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }
}

type Message =
  | { t: "welcome"; e: Record<string, string> }
  | { t: "ok" }
  | { t: "gap" }
  | { t: "cu"; more: boolean }
  | { t: "ev"; p: number; after: number; d: string }
  | { t: "checkpoint"; note: string }
  | { t: "hw" | "err" | "bye" | "pong" };
