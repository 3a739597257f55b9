// The program of a target as a child process: inputs go in, what came of them comes out (tools/fuzz/driver.c has the protocol).
import { spawn, type ChildProcessByStdio } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { KaryonError } from "../support/errors.ts";

const ANSWER_SIZE = 24;

/** How the run of an input ended. */
export type Status = "ended" | "trap" | "fault" | "hang";
const STATUSES: readonly Status[] = ["ended", "trap", "fault", "hang"];

/** What came of an input. */
export interface Answer {
  readonly status: Status;
  /** Branches taken, or so many times, that no input took before. */
  readonly fresh: number;
  /** Address of the instruction at which it ended otherwise. */
  readonly place: bigint;
  /** Kind of trap, or the address that was accessed. */
  readonly detail: bigint;
}

export class Runner {
  private readonly child: ChildProcessByStdio<Writable, Readable, null>;
  private received = Buffer.alloc(0);
  private wanted = 0;
  private settle: ((error?: Error) => void) | undefined;

  constructor(program: string) {
    this.child = spawn(program, [], { stdio: ["pipe", "pipe", "inherit"] });
    this.child.stdout.on("data", (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
      if (this.received.length >= this.wanted) this.settle?.();
    });
    this.child.stdin.on("error", () => undefined); // the end of the process tells more
    const failed = (error?: Error): void => {
      this.settle?.(error ?? new KaryonError("FUZZ_PROGRAM", "the target's program has ended", "build it anew"));
    };
    this.child.once("error", failed).once("exit", () => failed());
  }

  /** Runs the inputs, one after the other. */
  async run(inputs: readonly Uint8Array[]): Promise<Answer[]> {
    const size = (value: number): Buffer => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(value);
      return bytes;
    };
    this.wanted = inputs.length * ANSWER_SIZE;
    const answered = new Promise<void>((resolve, reject) => {
      this.settle = (error) => (error === undefined ? resolve() : reject(error));
    });
    this.child.stdin.write(
      Buffer.concat([size(inputs.length), ...inputs.flatMap((input) => [size(input.length), input])]),
    );
    await answered;
    this.settle = undefined;
    const bytes = this.received.subarray(0, this.wanted);
    this.received = this.received.subarray(this.wanted);
    return inputs.map((_, i) => {
      const at = i * ANSWER_SIZE;
      return {
        status: STATUSES[bytes.readUInt32LE(at)] ?? "fault",
        fresh: bytes.readUInt32LE(at + 4),
        place: bytes.readBigUInt64LE(at + 8),
        detail: bytes.readBigUInt64LE(at + 16),
      };
    });
  }

  async close(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.stdin.end();
    await ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
