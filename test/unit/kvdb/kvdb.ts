// kvdb's protocol and store under Node: a clock that the test moves, clients that are sessions of the store.
import assert from "node:assert/strict";
import { compileAssembly } from "../../support/assembly.ts";

interface Exports {
  readonly memory: WebAssembly.Memory;
  inputBuffer(): number;
  configure(length: number): number;
  option(index: number): number;
  parse(length: number): number;
  wordCount(): number;
  wordAt(index: number): number;
  wordSize(index: number): number;
  complaint(): number;
  glob(patternLength: number, length: number): number;
  mostCommand(): number;
  start(slots: number): void;
  begin(slot: number, id: number, pid: number): void;
  end(slot: number, id: number): void;
  asks(slot: number, length: number): void;
  outputAt(slot: number): number;
  outputLength(slot: number): number;
  dropOutput(slot: number, count: number): void;
  tableBytes(): number;
  tableCount(): number;
  sweep(buckets: number): void;
  bytesAdd(count: number): number;
  bytesDrop(count: number): void;
  bytesAt(): number;
  bytesLength(): number;
}

const module = compileAssembly("test/unit/kvdb/harness.ts", {
  runtime: "incremental",
  memoryBase: 4096,
  packages: { karyon: "libos/api/index.ts" },
});

export const FRAME_PUSH = 1;
export const FRAME_LISTENS = 2;
export const FRAME_ANSWERS = 4;
export const FRAME_LAST = 8;

/** What a client gets. */
export interface Frame {
  readonly flags: number;
  readonly session: number;
  readonly text: string;
}

/** A command as a client library sends it. */
export function resp(...words: readonly (string | Uint8Array)[]): Buffer {
  const parts = words.map((word) => (typeof word === "string" ? Buffer.from(word, "latin1") : Buffer.from(word)));
  const strings = parts.flatMap((bytes) => [Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n")]);
  return Buffer.concat([Buffer.from(`*${parts.length}\r\n`), ...strings]);
}

/** An instance of kvdb. */
export class Kvdb {
  /** Milliseconds. */
  now = 1_000_000;

  private constructor(readonly wasm: Exports) {}

  static async load(line = "", slots = 4): Promise<Kvdb> {
    const stop = (): never => {
      throw new Error("abort");
    };
    const imports: WebAssembly.ModuleImports = {};
    for (const { name, module: from } of WebAssembly.Module.imports(await module)) {
      if (from === "posix") imports[name] = stop;
    }
    const kvdb: Kvdb = new Kvdb(
      new WebAssembly.Instance(await module, {
        env: { abort: stop },
        posix: {
          ...imports,
          clock_gettime: (_clock: number, at: number) => {
            const view = new DataView(kvdb.wasm.memory.buffer);
            view.setBigInt64(at, BigInt(Math.floor(kvdb.now / 1000)), true);
            view.setBigInt64(at + 8, BigInt((kvdb.now % 1000) * 1_000_000), true);
            return 0;
          },
          getrandom: (_at: number, length: number) => length,
          getpid: () => 2,
        },
      }).exports as unknown as Exports,
    );
    assert.equal(kvdb.configure(line), "");
    kvdb.wasm.start(slots);
    kvdb.wasm.begin(0, 1, 3);
    return kvdb;
  }

  put(bytes: Uint8Array, at = 0): number {
    Buffer.from(this.wasm.memory.buffer).set(bytes, this.wasm.inputBuffer() + at);
    return bytes.length;
  }

  text(at: number, length: number): string {
    return Buffer.from(this.wasm.memory.buffer, at, length).toString("latin1");
  }

  configure(line: string): string {
    const length = this.wasm.configure(this.put(Buffer.from(line)));
    return this.text(this.wasm.inputBuffer(), length);
  }

  /** What a client sends, parsed: the bytes used and the words, or the complaint. */
  parse(sent: string | Uint8Array): { used: number; words: string[] } | string {
    const bytes = typeof sent === "string" ? Buffer.from(sent, "latin1") : sent;
    const used = this.wasm.parse(this.put(bytes));
    if (used < 0) return this.text(this.wasm.inputBuffer(), this.wasm.complaint());
    const count = this.wasm.wordCount();
    return {
      used,
      words: Array.from({ length: used > 0 ? count : 0 }, (_, i) =>
        this.text(this.wasm.wordAt(i), this.wasm.wordSize(i)),
      ),
    };
  }

  /** Whatever waits for the client in `slot`. */
  frames(slot = 0): Frame[] {
    const found: Frame[] = [];
    while (this.wasm.outputLength(slot) > 0) {
      const at = this.wasm.outputAt(slot);
      const view = new DataView(this.wasm.memory.buffer);
      const length = view.getUint32(at, true);
      found.push({ session: view.getUint32(at + 4, true), flags: view.getUint32(at + 8, true), text: this.text(at + 12, length) }); // prettier-ignore
      this.wasm.dropOutput(slot, 12 + length);
    }
    return found;
  }

  /** Sends a command of the client in `slot`; what comes is left to frames(). */
  send(slot: number, ...words: readonly (string | Uint8Array)[]): void {
    this.wasm.asks(slot, this.put(resp(...words)));
  }

  /** The answer to a command of the first client. */
  ask(...words: readonly (string | Uint8Array)[]): string {
    this.send(0, ...words);
    const [frame, ...others] = this.frames();
    assert.ok(frame !== undefined && others.length === 0);
    return frame.text;
  }

  /** The answer to a command that is written as words separated by blanks. */
  says(line: string): string {
    return this.ask(...line.split(" "));
  }
}
