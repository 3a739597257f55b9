// The console ring from xenconsoled's side (xen/include/public/io/console.h).
import type { GuestMemory } from "./guest_memory.ts";

const IN_SIZE = 1024;
const IN_CONS = 3072;
const IN_PROD = 3076;
const OUT_SIZE = 2048;
const OUT = 1024;
const OUT_CONS = 3080;
const OUT_PROD = 3084;

export class ConsoleRing {
  /** All that the domain has written. */
  output = "";

  constructor(
    private readonly memory: GuestMemory,
    private readonly page: number,
    private readonly notify: () => void,
  ) {}

  /** Takes what the domain has written. */
  drain(): void {
    const produced = this.memory.u32(this.page + OUT_PROD);
    let consumed = this.memory.u32(this.page + OUT_CONS);
    if (produced === consumed) return;
    for (; consumed !== produced; consumed = (consumed + 1) >>> 0) {
      this.output += this.memory.text(this.page + OUT + (consumed & (OUT_SIZE - 1)), 1);
    }
    this.memory.setU32(this.page + OUT_CONS, consumed);
    this.notify();
  }

  /** Gives the domain what somebody types, which has to fit. */
  type(text: string): void {
    const produced = this.memory.u32(this.page + IN_PROD);
    const bytes = Buffer.from(text);
    const used = produced - this.memory.u32(this.page + IN_CONS);
    if (used + bytes.length > IN_SIZE) throw new Error("the console takes no more");
    bytes.forEach((byte, i) => (this.memory.bytes[this.page + ((produced + i) & (IN_SIZE - 1))] = byte));
    this.memory.setU32(this.page + IN_PROD, produced + bytes.length);
    this.notify();
  }
}
