// The console ring from xenconsoled's side (xen/include/public/io/console.h).
import type { GuestMemory } from "./guest_memory.ts";

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
}
