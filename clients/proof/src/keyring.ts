/** The keys that may sign a log's checkpoints, changed only by its recovery key (SPEC 12.7 to 12.10; attacks A4). */
import { fromBase64, utf8 } from "./bytes.ts";
import { type Checkpoint, openCheckpointBy } from "./checkpoint.ts";
import { verifyEd25519 } from "./ed25519.ts";
import { ProofFailure } from "./failure.ts";
import { ED25519, parseKey, type VerifyKey } from "./keys.ts";
import type { Entry } from "./members.ts";

const OPENED = "ledger.log.opened.v1";
const INTRODUCED = "ledger.key.introduced.v1";
const RETIRED = "ledger.key.retired.v1";

interface Span {
  readonly key: VerifyKey;
  readonly first: number;
  readonly last: number | undefined;
}

/** Follows a log's entries from position 0 and tells who may sign a head. */
export class Keyring {
  private readonly spans = new Map<string, Span>();
  private recoveryKey: VerifyKey | undefined;

  /** The recovery key that entry 0 named. */
  get recovery(): VerifyKey | undefined {
    return this.recoveryKey;
  }

  /** Whether the log ever had this key. */
  has(key: VerifyKey): boolean {
    return this.spans.has(key.text);
  }

  /** Keys of which one must have signed a checkpoint of `size` entries. */
  signers(size: number): VerifyKey[] {
    return [...this.spans.values()]
      .filter(({ first, last }) => first <= size && (last === undefined || size <= last))
      .map(({ key }) => key);
  }

  /** The checkpoint, if a key in force at its size signed it. Throws `signature-missing` or `signature-invalid`. */
  open(note: string, size: number): Promise<Checkpoint> {
    return openCheckpointBy(note, this.signers(size));
  }

  /** Follow an entry that was accepted. Throws `key-invalid`, and then nothing has changed. */
  async follow({ data, log, position, type }: Entry): Promise<void> {
    if (type === OPENED) {
      const key = parseKey(String(data["key"]));
      this.recoveryKey = parseKey(String(data["recovery_key"]));
      this.spans.set(key.text, { key, first: 0, last: undefined });
    } else if (type === INTRODUCED || type === RETIRED) {
      await this.change(type === INTRODUCED ? "introduced" : "retired", data, log, position);
    }
  }

  private async change(how: string, data: Entry["data"], log: string, position: number): Promise<void> {
    const [key, signature] = read(data);
    const size = Number(data["size"]);
    if (key.name !== log || key.algorithm !== ED25519) throw invalid(`the key is of ${key.name}, not of this log`);
    if (size <= position) throw invalid(`a change of keys at size ${size}, which is past`);
    const statement = utf8(`secondwind/key/v1\n${log}\n${how}\n${key.text}\n${size}\n`);
    const recovery = this.recoveryKey;
    if (recovery === undefined || !(await verifyEd25519(recovery.key, statement, signature))) {
      throw invalid("the recovery key has not signed this change");
    }
    const span = this.spans.get(key.text);
    if (how === "introduced") {
      if (span !== undefined || key.text === recovery.text || same(key, recovery)) {
        throw invalid("a key is introduced once, and the recovery key never");
      }
      this.spans.set(key.text, { key, first: size, last: undefined });
      return;
    }
    if (span === undefined || span.last !== undefined) throw invalid("a key is retired that is not in force");
    const others = [...this.spans.values()].filter((one) => one.key.text !== key.text && one.last === undefined);
    if (!others.some(({ first }) => first <= size)) throw invalid(`no other key would be in force at ${size} entries`);
    this.spans.set(key.text, { ...span, last: size });
  }
}

function read(data: Entry["data"]): [VerifyKey, Uint8Array<ArrayBuffer>] {
  try {
    return [parseKey(String(data["key"])), new Uint8Array(fromBase64(String(data["signature"])))];
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error));
  }
}

function same(a: VerifyKey, b: VerifyKey): boolean {
  return a.key.every((byte, i) => byte === b.key[i]);
}

function invalid(why: string): ProofFailure {
  return new ProofFailure("key-invalid", why);
}
