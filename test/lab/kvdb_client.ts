// A client of kvdb on this host: RESP over TCP.
import { connect, type Socket } from "node:net";
import { resp } from "../unit/kvdb/kvdb.ts";

const PATIENCE_MS = 90_000;

/** What the server answers: a status, an error as "-…", an integer, a string, none, or a list of these. */
export type Answer = string | number | null | readonly Answer[];

/** One connection. */
export class KvdbClient {
  #received = Buffer.alloc(0);
  #ended = false;
  #error: Error | undefined;
  #wake: () => void = () => undefined;

  private constructor(private readonly socket: Socket) {
    socket.setNoDelay();
    socket.on("data", (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#wake();
    });
    socket.on("error", (error) => (this.#error = error));
    socket.on("close", () => {
      this.#ended = true;
      this.#wake();
    });
  }

  static connect(port: number): Promise<KvdbClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new KvdbClient(socket));
      });
    });
  }

  /** Sends bytes as they are. */
  write(bytes: Uint8Array | string): void {
    this.socket.write(bytes);
  }

  /** Sends a command; its answer. */
  async ask(...words: readonly (string | Uint8Array)[]): Promise<Answer> {
    this.write(resp(...words));
    return this.answer();
  }

  /** The next answer. */
  async answer(): Promise<Answer> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const found = parseAnswer(this.#received, 0);
      if (found !== undefined) {
        this.#received = this.#received.subarray(found.end);
        return found.answer;
      }
      if (this.#ended) throw this.#error ?? new Error("the connection has ended");
      await this.#more(deadline);
    }
  }

  /** Waits until the server has ended the connection. */
  async ended(): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (!this.#ended) await this.#more(deadline);
  }

  #more(deadline: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("nothing comes")), Math.max(1, deadline - performance.now()));
      this.#wake = (): void => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

function parseAnswer(bytes: Buffer, at: number): { answer: Answer; end: number } | undefined {
  const lineEnd = bytes.indexOf("\r\n", at);
  if (lineEnd < 0) return undefined;
  const kind = String.fromCharCode(bytes[at] ?? 0);
  const rest = bytes.toString("latin1", at + 1, lineEnd);
  const end = lineEnd + 2;
  if (kind === "+") return { answer: rest, end };
  if (kind === "-") return { answer: `-${rest}`, end };
  if (kind === ":") return { answer: Number(rest), end };
  const count = Number(rest);
  if (kind === "$") return parseBulk(bytes, end, count);
  if (kind !== "*") throw new Error(`no answer: ${bytes.toString("latin1", at, at + 40)}`);
  const answers: Answer[] = [];
  let next = end;
  for (let i = 0; i < count; i++) {
    const found = parseAnswer(bytes, next);
    if (found === undefined) return undefined;
    answers.push(found.answer);
    next = found.end;
  }
  return { answer: answers, end: next };
}

function parseBulk(bytes: Buffer, from: number, count: number): { answer: Answer; end: number } | undefined {
  if (count < 0) return { answer: null, end: from };
  if (bytes.length < from + count + 2) return undefined;
  return { answer: bytes.toString("latin1", from, from + count), end: from + count + 2 };
}
