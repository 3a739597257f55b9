// Lines that are written anew in the same place of a terminal. Where the output is no terminal, whatever differs from the last is
// written below it instead.
import { moveCursor, clearScreenDown } from "node:readline";
import type { WriteStream } from "node:tty";

/** Where the lines go. */
export class Live {
  #shown = 0;
  #last = "";

  constructor(private readonly out: WriteStream | NodeJS.WritableStream) {}

  /** Whether lines can be written anew. */
  get isTerminal(): boolean {
    return "isTTY" in this.out && this.out.isTTY;
  }

  /** Shows `lines` in place of those shown before; `line` is for an output that is no terminal. */
  show(lines: readonly string[], line: string): void {
    if (!this.isTerminal) {
      if (line !== this.#last) this.out.write(`${line}\n`);
      this.#last = line;
      return;
    }
    if (this.#shown > 0) moveCursor(this.out, 0, -this.#shown);
    clearScreenDown(this.out);
    this.out.write(`${lines.join("\n")}\n`);
    this.#shown = lines.length;
  }
}
