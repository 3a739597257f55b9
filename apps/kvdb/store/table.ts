// The data: a hash table of keys and values, both bytes, each key with a time at which it ends, or none. Bounded by `limit` bytes, what it
// costs to keep an entry included. A key that has ended is not there for anybody, and its memory is given back when somebody asks for it
// or expireSome() comes past.

/** What an entry costs besides its bytes: objects and their headers. */
export const ENTRY_OVERHEAD: usize = 96;
const LEAST_BUCKETS: u32 = 64;

/** A key and its value. */
@final
export class Entry {
  next: Entry | null = null;
  /** Monotonic milliseconds at which it ends; 0 = never. */
  expires: u64 = 0;

  constructor(
    readonly key: StaticArray<u8>,
    readonly hash: u32,
    public value: StaticArray<u8>,
  ) {}

  get bytes(): usize {
    return ENTRY_OVERHEAD + this.key.length + this.value.length;
  }

  hasKey(hash: u32, key: usize, length: u32): bool {
    if (this.hash != hash || <u32>this.key.length != length) return false;
    return memory.compare(changetype<usize>(this.key), key, length) == 0;
  }
}

/** A copy of `length` bytes. */
export function copyOf(from: usize, length: u32): StaticArray<u8> {
  const copy = new StaticArray<u8>(<i32>length);
  memory.copy(changetype<usize>(copy), from, length);
  return copy;
}

@final
export class Table {
  private buckets: StaticArray<Entry | null> = new StaticArray<Entry | null>(<i32>LEAST_BUCKETS);
  /** Keys, those included that have ended and nobody has missed yet. */
  count: u32 = 0;
  /** Keys with an end. */
  expiring: u32 = 0;
  /** Keys that have ended so far. */
  expired: u64 = 0;
  /** Bytes in use. */
  bytes: usize = 0;
  private sweepAt: u32 = 0;

  /**
   * @param limit most bytes
   * @param seed nobody outside may know it: else they could choose keys that all fall into one bucket
   */
  constructor(
    readonly limit: usize,
    private readonly seed: u32,
  ) {}

  // Murmur's mixing of four bytes at a time, from the seed.
  private hashOf(key: usize, length: u32): u32 {
    let hash = this.seed ^ length;
    let at: u32 = 0;
    for (; at + 4 <= length; at += 4) hash = mix(hash, load<u32>(key + at));
    let rest: u32 = 0;
    for (; at < length; at++) rest = (rest << 8) | load<u8>(key + at);
    hash = mix(hash, rest);
    hash ^= hash >> 16;
    hash *= 0x85ebca6b;
    hash ^= hash >> 13;
    hash *= 0xc2b2ae35;
    return hash ^ (hash >> 16);
  }

  private get mask(): u32 {
    return <u32>this.buckets.length - 1;
  }

  /** The entry of a key, null when there is none now. */
  find(key: usize, length: u32, now: u64): Entry | null {
    const hash = this.hashOf(key, length);
    let entry = this.buckets[hash & this.mask];
    while (entry !== null && !entry.hasKey(hash, key, length)) entry = entry.next;
    if (entry === null) return null;
    if (entry.expires == 0 || entry.expires > now) return entry;
    this.remove(entry);
    this.expired++;
    return null;
  }

  /** Gives a key a value; whether it has an end stays as it was. Null when there is no memory for it. */
  put(key: usize, length: u32, value: StaticArray<u8>, now: u64): Entry | null {
    const found = this.find(key, length, now);
    const before: usize = found === null ? 0 : found.bytes;
    if (this.bytes - before + ENTRY_OVERHEAD + length + value.length > this.limit) return null;
    if (found !== null) {
      this.bytes += <usize>value.length - <usize>found.value.length;
      found.value = value;
      return found;
    }
    if (this.count >= <u32>this.buckets.length) this.grow();
    const entry = new Entry(copyOf(key, length), this.hashOf(key, length), value);
    this.link(entry);
    this.count++;
    this.bytes += entry.bytes;
    return entry;
  }

  /** Sets when the entry ends, in monotonic milliseconds; 0 = never. */
  setExpiry(entry: Entry, expires: u64): void {
    if (entry.expires != 0) this.expiring--;
    if (expires != 0) this.expiring++;
    entry.expires = expires;
  }

  remove(entry: Entry): void {
    const bucket = entry.hash & this.mask;
    let before: Entry | null = null;
    let at = this.buckets[bucket];
    while (at !== null && at !== entry) {
      before = at;
      at = at.next;
    }
    if (before === null) this.buckets[bucket] = entry.next;
    else before.next = entry.next;
    if (entry.expires != 0) this.expiring--;
    this.count--;
    this.bytes -= entry.bytes;
  }

  clear(): void {
    this.buckets = new StaticArray<Entry | null>(<i32>LEAST_BUCKETS);
    this.count = 0;
    this.expiring = 0;
    this.bytes = 0;
    this.sweepAt = 0;
  }

  private link(entry: Entry): void {
    const bucket = entry.hash & this.mask;
    entry.next = this.buckets[bucket];
    this.buckets[bucket] = entry;
  }

  private grow(): void {
    const old = this.buckets;
    this.buckets = new StaticArray<Entry | null>(old.length * 2);
    for (let i = 0; i < old.length; i++) {
      let entry = old[i];
      while (entry !== null) {
        const next = entry.next;
        this.link(entry);
        entry = next;
      }
    }
  }

  /** The first entry of bucket `index`, of which there are as many as bucketCount. */
  bucket(index: u32): Entry | null {
    return this.buckets[index];
  }

  get bucketCount(): u32 {
    return <u32>this.buckets.length;
  }

  /**
   * The bucket after that of `cursor`, in an order that leaves none out when the table grows meanwhile: by the bits of the index from the
   * highest down. 0 when that was the last.
   */
  nextCursor(cursor: u32): u32 {
    return reverse(reverse(cursor | ~this.mask) + 1);
  }

  /** Gives back the memory of keys that have ended, in `count` buckets from where it was last time. */
  expireSome(now: u64, count: u32): void {
    for (let i: u32 = 0; i < count && this.expiring != 0; i++) {
      this.sweepAt = (this.sweepAt + 1) & this.mask;
      let entry = this.buckets[this.sweepAt];
      while (entry !== null) {
        const next = entry.next;
        if (entry.expires != 0 && entry.expires <= now) {
          this.remove(entry);
          this.expired++;
        }
        entry = next;
      }
    }
  }
}

function mix(hash: u32, word: u32): u32 {
  return rotl<u32>(hash ^ (rotl<u32>(word * 0xcc9e2d51, 15) * 0x1b873593), 13) * 5 + 0xe6546b64;
}

/** The bits of `value` from the other end. */
function reverse(value: u32): u32 {
  let bits = bswap<u32>(value);
  bits = ((bits >> 4) & 0x0f0f0f0f) | ((bits & 0x0f0f0f0f) << 4);
  bits = ((bits >> 2) & 0x33333333) | ((bits & 0x33333333) << 2);
  return ((bits >> 1) & 0x55555555) | ((bits & 0x55555555) << 1);
}
