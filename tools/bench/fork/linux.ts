// fork, _exit and wait of a process on Linux, in a PV guest of the same lab.
import type { Lab } from "../../lab/lab.ts";
import { ProbeGuest } from "../../peers/probe_guest.ts";
import { probesGuest } from "../../peers/probes.ts";

/** MiB of heap of the processes that fork. */
export const LINUX_HEAPS = [1, 64] as const;

/** A running guest. */
export class LinuxForks {
  private constructor(private readonly guest: ProbeGuest) {}

  /** Boots it. `extra` are lines for its configuration. */
  static async boot(lab: Lab, extra: readonly string[] = []): Promise<LinuxForks> {
    return new LinuxForks(await ProbeGuest.boot(lab, "linux-probes", await probesGuest(), extra));
  }

  /** `count` times fork, _exit and wait of a process with `heap` MiB; ns for one. */
  async time(heap: number, count: number): Promise<number> {
    return (await this.guest.run("fork", count, heap)) / count;
  }

  /** Destroys the guest. */
  end(): Promise<void> {
    return this.guest.end();
  }
}
