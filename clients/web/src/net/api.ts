/** The public HTTP side, as this page uses it. */
import type { FundsAnswer } from "../ledger/fold.ts";

export interface LedgerPage {
  readonly size: number;
  readonly entries: readonly { readonly position: number; readonly entry: string }[];
  readonly next?: string;
}

export interface Status {
  readonly mode: string;
  readonly halted: { readonly log: string; readonly at: number; readonly reason: string } | null;
}

async function get(path: string): Promise<Response> {
  const answer = await fetch(path, { credentials: "omit" });
  if (!answer.ok) throw new Error(`${path} answers ${answer.status}`);
  return answer;
}

export const text = async (path: string): Promise<string> => (await get(path)).text();
export const bytes = async (path: string): Promise<Uint8Array> => new Uint8Array(await (await get(path)).arrayBuffer());
export const funds = async (): Promise<FundsAnswer> => (await get("/api/v1/funds")).json();
export const status = async (): Promise<Status> => (await get("/status")).json();

export async function ledger(limit: number, before?: string): Promise<LedgerPage> {
  const cursor = before === undefined ? "" : `&before=${encodeURIComponent(before)}`;
  return (await get(`/api/v1/ledger?limit=${limit}${cursor}`)).json();
}
