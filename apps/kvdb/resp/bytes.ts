// Bytes that grow at their end and are taken from their front: input, output, and RESP written into them. Grows by doubling, up to a
// bound: what goes beyond is dropped and remembered in `overflowed`.

@final
export class Bytes {
  private data: StaticArray<u8>;
  private start: u32 = 0;
  private end: u32 = 0;
  /** Something did not fit. */
  overflowed: bool = false;

  constructor(private readonly most: u32) {
    this.data = new StaticArray<u8>(<i32>min<u32>(most, 256));
  }

  /** Bytes there are. */
  get length(): u32 {
    return this.end - this.start;
  }

  /** Address of the first; good until the next change. */
  get at(): usize {
    return changetype<usize>(this.data) + this.start;
  }

  /** Forgets all. */
  clear(): void {
    this.start = 0;
    this.end = 0;
    this.overflowed = false;
  }

  /** Takes `count` of them from the front. */
  drop(count: u32): void {
    this.start += count;
    if (this.start == this.end) {
      this.start = 0;
      this.end = 0;
    }
  }

  /** Takes all from `length` on from the end. */
  truncate(length: u32): void {
    this.end = this.start + length;
  }

  /** Makes room for `count` bytes at the end: the address at which they go, or 0. Tell `grew` how many came. */
  reserve(count: u32): usize {
    if (<u32>this.data.length - this.end < count) this.move(count);
    if (<u32>this.data.length - this.end >= count) return changetype<usize>(this.data) + this.end;
    this.overflowed = true;
    return 0;
  }

  /** `count` bytes have been written where `reserve` said. */
  grew(count: u32): void {
    this.end += count;
  }

  private move(count: u32): void {
    const length = this.length;
    if (count > this.most - min(length, this.most)) return;
    let capacity = <u32>this.data.length;
    while (capacity < length + count) capacity *= 2;
    capacity = min(capacity, this.most);
    const target = capacity > <u32>this.data.length ? new StaticArray<u8>(<i32>capacity) : this.data;
    memory.copy(changetype<usize>(target), this.at, length);
    this.data = target;
    this.start = 0;
    this.end = length;
  }

  /** Appends `count` bytes from elsewhere. */
  add(from: usize, count: u32): Bytes {
    const to = this.reserve(count);
    if (to != 0) {
      memory.copy(to, from, count);
      this.end += count;
    }
    return this;
  }

  /** Appends ASCII text. */
  text(text: string): Bytes {
    const to = this.reserve(text.length);
    if (to == 0) return this;
    for (let i = 0; i < text.length; i++) store<u8>(to + i, <u8>text.charCodeAt(i));
    this.end += text.length;
    return this;
  }

  /** RESP: a status. */
  status(text: string): Bytes {
    return this.text(`+${text}\r\n`);
  }

  /** RESP: an error, whose first word is its kind: "ERR". */
  error(text: string): Bytes {
    return this.text(`-${text}\r\n`);
  }

  /** RESP: an integer. */
  integer(value: i64): Bytes {
    return this.text(`:${value}\r\n`);
  }

  /** RESP: a string of `count` bytes. */
  bulk(from: usize, count: u32): Bytes {
    return this.text(`$${count}\r\n`).add(from, count).text("\r\n");
  }

  /** RESP: ASCII text as a string. */
  bulkText(text: string): Bytes {
    return this.text(`$${text.length}\r\n${text}\r\n`);
  }

  /** RESP: no string. */
  none(): Bytes {
    return this.text("$-1\r\n");
  }

  /** RESP: `count` values follow. */
  array(count: i32): Bytes {
    return this.text(`*${count}\r\n`);
  }
}
