// AssemblyScript and binaryen, in a thread of their own (compiler_worker.js) that starts when it is first needed.
import { Worker } from "node:worker_threads";
import { KaryonError } from "../support/errors.ts";
import type { Diagnostic } from "./diagnostics.ts";
import { APART } from "./traffic.ts";

/** Gives the text of a file that the compiler asks for, by its virtual name and base folder; null if there is none. */
export type FileReader = (name: string, base: string) => Promise<string | null>;

/** What asc made. */
export interface CompilerResult {
  /** null when there were errors */
  readonly wasm: Uint8Array | null;
  readonly diagnostics: readonly Diagnostic[];
  /** What asc said when it failed for another reason than an error in the sources. */
  readonly message: string;
}

type Answer =
  | { readonly kind: "read"; readonly id: number; readonly read: number; readonly name: string; readonly base: string }
  | { readonly kind: "done"; readonly id: number; readonly result: unknown }
  | { readonly kind: "failed"; readonly id: number; readonly error: string };

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly readFile: FileReader;
}

/** The compilers. Close it when no more is to be compiled. */
export class Compiler {
  private worker: Worker | undefined;
  private readonly pending = new Map<number, Pending>();
  private begun = 0;

  /** Runs asc with the arguments `argv` on the files of `readFile`. */
  async compile(argv: readonly string[], readFile: FileReader): Promise<CompilerResult> {
    return (await this.request({ kind: "compile", argv, apart: APART }, readFile)) as CompilerResult;
  }

  /**
   * Validates `binary` for the features that the image pipeline implements and returns it as wasm2c shall see it.
   *
   * @param what names the module in messages
   * @throws KaryonError IMAGE_BAD_WASM
   */
  async admit(what: string, binary: Uint8Array): Promise<Uint8Array> {
    const none = { wasm: null };
    // What cannot even be read makes binaryen throw.
    const { wasm } = (await this.request({ kind: "admit", binary }, () => Promise.resolve(null)).catch(() => none)) as {
      wasm: Uint8Array | null;
    };
    if (wasm !== null) return wasm;
    throw new KaryonError(
      "IMAGE_BAD_WASM",
      `${what} does not validate`,
      "Karyon takes WebAssembly 1.0 with sign extension, saturating conversions, bulk memory, exceptions and atomics",
    );
  }

  /** Ends the thread. */
  async close(): Promise<void> {
    await this.worker?.terminate();
    this.worker = undefined;
  }

  private request(request: object, readFile: FileReader): Promise<unknown> {
    this.worker ??= this.start();
    const id = ++this.begun;
    const result = new Promise<unknown>((resolve, reject) => this.pending.set(id, { resolve, reject, readFile }));
    this.worker.postMessage({ ...request, id });
    return result;
  }

  private start(): Worker {
    const worker = new Worker(new URL("./compiler_worker.js", import.meta.url), { execArgv: [] });
    worker.on("message", (answer: Answer) => void this.receive(worker, answer));
    worker.on("error", (error) => {
      for (const { reject } of this.pending.values()) reject(error);
      this.pending.clear();
    });
    return worker;
  }

  private async receive(worker: Worker, answer: Answer): Promise<void> {
    const pending = this.pending.get(answer.id);
    if (pending === undefined) return;
    if (answer.kind === "read") {
      const text = await pending.readFile(answer.name, answer.base).catch(() => null);
      worker.postMessage({ kind: "file", read: answer.read, text });
      return;
    }
    this.pending.delete(answer.id);
    if (answer.kind === "done") pending.resolve(answer.result);
    else pending.reject(new Error(answer.error));
  }
}
