// A disk with a cache that loses its contents with the power: what is written can be read at once, and stays for sure when it is flushed. It
// remembers all writes and flushes, so what a power cut leaves can be had for any moment: all before the last flush, and of the rest
// any sectors in any order.

const SECTOR = 512;

interface Write {
  readonly sector: number;
  readonly data: Buffer;
}

/** What has happened to a disk, in its order; null is a flush that was answered. */
type Happening = Write | null;

export class FakeDisk {
  /** What is read. */
  readonly contents: Buffer;
  private readonly initial: Buffer;
  private readonly history: Happening[] = [];
  /** Reads, writes and flushes until now. */
  readonly counts = { reads: 0, writes: 0, flushes: 0 };
  /** Of the next requests those that fail: told the operation and its first sector. */
  fails: (operation: "read" | "write" | "flush", sector: number) => boolean = () => false;

  constructor(initial: Buffer) {
    this.initial = Buffer.from(initial);
    this.contents = Buffer.from(initial);
  }

  get sectors(): number {
    return this.contents.length / SECTOR;
  }

  /** How many moments there are to cut the power at: before each write and flush, and behind the last. */
  get moments(): number {
    return this.history.length + 1;
  }

  read(sector: number, target: Uint8Array): boolean {
    this.counts.reads++;
    if (this.fails("read", sector)) return false;
    this.contents.copy(target, 0, sector * SECTOR);
    return true;
  }

  write(sector: number, data: Uint8Array): boolean {
    this.counts.writes++;
    if (this.fails("write", sector)) return false;
    const copy = Buffer.from(data);
    copy.copy(this.contents, sector * SECTOR);
    this.history.push({ sector, data: copy });
    return true;
  }

  flush(): boolean {
    this.counts.flushes++;
    if (this.fails("flush", 0)) return false;
    this.history.push(null);
    return true;
  }

  /**
   * What is on the disk when the power goes at `moment`.
   *
   * @param survives whether a sector that was not flushed has been written all the same
   */
  cut(moment: number, survives: () => boolean): Buffer {
    const image = Buffer.from(this.initial);
    const happened = this.history.slice(0, moment);
    const flushed = happened.lastIndexOf(null);
    for (const write of happened.slice(0, Math.max(flushed, 0))) write?.data.copy(image, write.sector * SECTOR);
    for (const write of happened.slice(flushed + 1)) {
      for (let at = 0; write !== null && at < write.data.length; at += SECTOR) {
        if (survives()) write.data.copy(image, write.sector * SECTOR + at, at, at + SECTOR);
      }
    }
    return image;
  }
}
