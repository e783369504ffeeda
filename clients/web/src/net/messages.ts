/** Messages of `rt.v1` about the one channel that this page follows; realtime/PROTOCOL.md has them all. Pure. */

export const CHANNEL = "ledger";
/** The only request that the page makes, so one number is enough. */
export const SUB_ID = 1;

export type Heard =
  | { t: "welcome"; epoch: string }
  | { t: "ok" | "gap" | "err" }
  | { t: "cu"; to: number; more: boolean }
  | { t: "ev"; p: number; after: number; d: string }
  | { t: "hw"; p: number }
  | { t: "checkpoint"; note: string }
  | { t: "bye"; reconnect: boolean; soon: boolean; afterMs: number };

/** A message of this channel in its form; undefined for every other. */
export function read(message: unknown): Heard | undefined {
  if (typeof message !== "object" || message === null) return undefined;
  const said = message as Readonly<Record<string, unknown>>;
  const ours = said["s"] === CHANNEL;
  const marks = (name: string) => (said[name] ?? {}) as Readonly<Record<string, unknown>>;
  switch (said["t"]) {
    case "welcome":
      return { t: "welcome", epoch: String(marks("e")[CHANNEL] ?? "") };
    case "ok":
    case "err":
      return said["id"] === SUB_ID ? { t: said["t"] } : undefined;
    case "gap":
      return ours ? { t: "gap" } : undefined;
    case "cu":
      return ours && isPosition(said["to"]) ? { t: "cu", to: said["to"], more: said["more"] === true } : undefined;
    case "ev": {
      const { p, after, d } = said;
      return ours && isPosition(p) && isPosition(after) && typeof d === "string" ? { t: "ev", p, after, d } : undefined;
    }
    case "hw": {
      const p = marks("s")[CHANNEL];
      return isPosition(p) ? { t: "hw", p } : undefined;
    }
    case "checkpoint":
      return ours && typeof said["note"] === "string" ? { t: "checkpoint", note: said["note"] } : undefined;
    case "bye": {
      const { code, after_ms: after, reconnect } = said;
      const afterMs = typeof after === "number" && after > 0 ? after : 0;
      return { t: "bye", reconnect: reconnect === true, soon: typeof code === "number" && code >= 4200, afterMs };
    }
    default:
      return undefined;
  }
}

function isPosition(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= -1;
}
