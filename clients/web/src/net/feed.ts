/** The socket and the timer of a `connection`: carries out what it says, and tells it what happens. */
import { type Action, connection, type FeedState, type Happening, step } from "./connection.ts";

export interface FeedEvents {
  entry(position: number, text: string): void;
  checkpoint(note: string): void;
  state(state: FeedState): void;
  gap(): void;
}

const WAKING = ["online", "focus", "pageshow"] as const;
const CLOSE_NORMAL = 1000;

export class Feed {
  private now;
  private socket: WebSocket | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** `last`: the newest position the page has; entries after it are asked for. */
  constructor(
    private readonly url: string,
    last: number,
    private readonly events: FeedEvents,
  ) {
    this.now = connection(last);
  }

  /** Open the socket, and keep one open from now on. */
  start(): void {
    for (const name of WAKING) addEventListener(name, this.look);
    addEventListener("offline", this.look);
    // `resume` comes after a frozen tab was thawed: its timers stood still, and its socket may be gone.
    for (const name of ["visibilitychange", "resume"]) document.addEventListener(name, this.look);
    this.tell({ is: "begun" });
  }

  /** Close for good. */
  stop(): void {
    for (const name of WAKING) removeEventListener(name, this.look);
    removeEventListener("offline", this.look);
    for (const name of ["visibilitychange", "resume"]) document.removeEventListener(name, this.look);
    this.tell({ is: "stopped" });
  }

  private readonly look = (): void => {
    this.tell({ is: document.hidden || !navigator.onLine ? "gone away" : "woken" });
  };

  private tell(happening: Happening): void {
    const [next, actions] = step(this.now, happening, performance.now(), Math.random());
    this.now = next;
    for (const action of actions) this.carryOut(action);
    clearTimeout(this.timer);
    if (this.now.dueMs === undefined) return;
    this.timer = setTimeout(() => this.tell({ is: "due" }), Math.max(0, this.now.dueMs - performance.now()));
  }

  private carryOut(action: Action): void {
    switch (action.do) {
      case "connect":
        this.connect();
        break;
      case "disconnect":
        this.disconnect();
        break;
      case "send":
        if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(action.message));
        break;
      case "entry":
        this.events.entry(action.position, action.text);
        break;
      case "checkpoint":
        this.events.checkpoint(action.note);
        break;
      case "gap":
        this.events.gap();
        break;
      case "show":
        this.events.state(action.state);
        break;
    }
  }

  private connect(): void {
    const socket = new WebSocket(this.url, "rt.v1.json");
    this.socket = socket;
    // What a socket says after it was given up is no longer of interest.
    const heard = (happening: Happening): void => {
      if (this.socket === socket) this.tell(happening);
    };
    socket.onopen = () => heard({ is: "opened" });
    socket.onclose = () => heard({ is: "closed" });
    socket.onmessage = ({ data }) => heard({ is: "said", message: parsed(data) });
  }

  private disconnect(): void {
    const socket = this.socket;
    this.socket = undefined;
    socket?.close(CLOSE_NORMAL);
  }
}

function parsed(data: unknown): unknown {
  try {
    return JSON.parse(String(data));
  } catch {
    return undefined;
  }
}
