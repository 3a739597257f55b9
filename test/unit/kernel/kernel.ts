// Loads the harness: a fresh instance a test, with helpers to put bytes into its memory and to read them back.
import { compileAssembly } from "../../support/assembly.ts";

/** The harness's exports (harness.ts). */
export interface KernelExports {
  readonly memory: WebAssembly.Memory;
  pagesInit(start: number, end: number): void;
  pagesAlloc(order: number): number;
  pagesFree(address: number, order: number): void;
  pagesFreeCount(): number;
  orderFor(bytes: number): number;
  slabPrepare(size: number): void;
  slabAlloc(): number;
  slabFree(object: number): void;
  slabUsed(): number;
  timerPrepare(index: number): void;
  timerStart(index: number, deadline: bigint): void;
  timerStop(index: number): void;
  timersRun(now: bigint): void;
  timersNextDeadline(): bigint;
  chacha20Block(state: number, output: number): void;
  parseDecimal(at: number, count: number): bigint;
  parseSize(at: number, count: number): bigint;
  textDecimal(at: number, capacity: number, value: bigint, digits: number): number;
  textHex(at: number, capacity: number, value: bigint, digits: number): number;
  textSigned(at: number, value: bigint): number;
  textOverflows(at: number, capacity: number, count: number): number;
  commandLineRead(at: number): void;
  argumentCount(): number;
  argumentAddress(index: number): number;
  argumentLength(index: number): number;
  optionIp(): bigint;
}

/** One instance of the kernel's pure parts. */
export class KernelParts {
  private constructor(
    readonly call: KernelExports,
    /** Arguments of the timers that have run, in order. */
    readonly fired: number[],
  ) {}

  static async create(): Promise<KernelParts> {
    const module = await compileAssembly("test/unit/kernel/harness.ts");
    const fired: number[] = [];
    const instance = await WebAssembly.instantiate(module, {
      boot: { workDue: () => undefined },
      harness: { fired: (argument: number) => void fired.push(argument) },
    });
    return new KernelParts(instance.exports as unknown as KernelExports, fired);
  }

  write(address: number, bytes: Uint8Array | string): number {
    const data = Buffer.from(bytes as string);
    new Uint8Array(this.call.memory.buffer).set(data, address);
    return data.length;
  }

  read(address: number, length: number): Buffer {
    return Buffer.from(this.call.memory.buffer, address, length);
  }

  text(address: number, length: number): string {
    return this.read(address, length).toString("latin1");
  }
}
