// Arguments at random, and hostile ones, for functions of WASI: what the memory of the program has, and where the kernel may write.
//
//   0x00000  free: what null pointers name
//   0x01000  not to be written
//   0x04000  what the kernel reads: paths, pieces, subscriptions, addresses; made anew for each call, not to be written
//   0x08000  free
//   0x18000  not to be written
//   0x1fe00  free, up to the end at 0x20000: less may be told than there could be
//
// A pointer is to a free place with room for what is told there, or to one where it does not fit: behind the end, or across it.
import { Random } from "../../support/random.ts";

export const END = 0x20000;
const FREE = 0x8000;
const FREE_END = 0x18000;
const FIRST_PAGE = 0x1000;
const LAST = 0x200;
const PATHS = 0x4000;
const STRUCTURES = 0x6000;
const STRUCTURES_SIZE = 0x2000;
/** Where nothing may change, as [start, end]. */
export const KEPT: readonly (readonly [number, number])[] = [
  [FIRST_PAGE, FREE],
  [FREE_END, END - LAST],
];

const TEXTS = [
  ...[
    "tmp/a",
    "tmp/a",
    "tmp/b",
    "tmp/b",
    "tmp/b",
    "tmp/c",
    "tmp/d",
    "tmp/link",
    ".",
    "..",
    "",
    "tmp",
    "tmp/a",
    "tmp/b",
    "tmp/d",
    "tmp/d/x",
    "tmp/d/../a",
    "tmp/link",
    "tmp/a/",
    "tmp/d/",
  ],
  ...["etc/motd", "etc", "dev/null", "dev/fd/3", "../x", "/tmp", "tmp/a\0b", "a".repeat(300), "b/".repeat(2100)],
];
const SERVICES = ["80", "", "0", "65535", "65536", "http", "80\0"];
const NODES = ["", "127.0.0.1", "10.0.0.2", "::1", "fe80::1\0", "1.2.3", "x".repeat(300), "localhost"];
/** Numbers at the edges. */
const EDGES = [0, 1, 2, 3, 4, 5, 7, 8, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, 0xffff_ffff];
const LONG_EDGES = [0n, 1n, 100n, 5000n, 1n << 31n, 1n << 40n, (1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 1n];
const DESCRIPTORS = [-1, 1023, 1024, 0x7fff_ffff, -0x8000_0000];

export class Arguments {
  private readonly random: Random;
  private used = STRUCTURES;
  private paths = new Map<string, number>();

  constructor(
    seed: number,
    private readonly memory: Uint8Array,
  ) {
    this.random = new Random(seed);
    let at = PATHS;
    for (const text of [...TEXTS, ...SERVICES, ...NODES]) {
      const bytes = Buffer.from(text, "latin1");
      memory.set(bytes, at);
      this.paths.set(text, at);
      at += bytes.length;
    }
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.random.between(1, times) === 1;
  }

  pick<T>(values: readonly T[]): T {
    const value = values[this.random.between(0, values.length - 1)];
    if (value === undefined) throw new Error("nothing to pick from");
    return value;
  }

  number(): number {
    return this.pick(EDGES);
  }

  small(most: number): number {
    return this.once(10) ? this.number() : this.random.between(0, most);
  }

  long(): bigint {
    return BigInt.asIntN(64, this.once(2) ? BigInt(this.random.between(0, 300)) : this.pick(LONG_EDGES));
  }

  /** Nothing that is thrown away is needed for long: 0 to 3 seldom where `precious`. */
  descriptor(precious = false): number {
    if (this.once(12)) return this.pick(DESCRIPTORS);
    return precious && !this.once(60) ? this.random.between(9, 20) : this.random.between(0, 14);
  }

  /** Of the directory with the files, most of the time. */
  directory(): number {
    return this.once(4) ? this.descriptor() : 3;
  }

  /** The next call begins. */
  begin(): void {
    this.used = STRUCTURES;
    this.memory.fill(0, STRUCTURES, STRUCTURES + STRUCTURES_SIZE);
  }

  /** For `size` bytes that the kernel writes. */
  output(size: number): number {
    if (this.once(10)) return this.outside(size);
    return size <= FIRST_PAGE && this.once(20) ? 0 : this.random.between(FREE, FREE_END - size);
  }

  private outside(size: number): number {
    const across = size < 2 ? END + 1 : END - this.random.between(0, Math.min(size, LAST) - 1);
    return this.pick([across, END + 1, 0x7fff_fff0, 0xffff_ffff - Math.min(size, 100), 0xffff_ffff]);
  }

  /** A buffer with its length. */
  buffer(): [number, number] {
    if (this.once(10))
      return [this.pick([0, FREE, END, 0xffff_fff0]), this.pick([0x8000_0000, 0xffff_fff0, 0xffff_ffff])];
    const length = this.random.between(0, this.once(10) ? 5000 : 100);
    return length === 0 ? [this.pick([0, END, FREE]), 0] : [this.output(length), length];
  }

  text(texts: readonly string[] = TEXTS): [number, number] {
    if (this.once(15)) return this.pick([[END, 4], [END - 2, 3], [0xffff_fff0, 32], [PATHS, 0xffff_ffff]]); // prettier-ignore
    const text = this.pick(texts);
    return [this.paths.get(text) ?? 0, text.length];
  }

  service(): [number, number] {
    return this.text(SERVICES);
  }

  node(): [number, number] {
    return this.text(NODES);
  }

  /** The words of a structure that the kernel reads: where they are. */
  structure(words: readonly number[]): number {
    const at = this.used;
    this.used += words.length * 4;
    if (this.used > STRUCTURES + STRUCTURES_SIZE) throw new Error("too many structures");
    words.forEach((word, i) => this.view().setUint32(at + i * 4, word >>> 0, true));
    return at;
  }

  private view(): DataView {
    return new DataView(this.memory.buffer, this.memory.byteOffset, this.memory.byteLength);
  }

  /** A word that the kernel reads and writes. */
  exchanged(word: number): number {
    const at = this.output(4);
    if (at <= END - 4) this.view().setUint32(at, word >>> 0, true);
    return at;
  }

  /** One that a server may listen on, most of the time. */
  port(): number {
    return this.pick([7, 7, 7, 7, 0, 8, 65535, 65536, 0xffff_ffff]);
  }

  /** Pieces and their number, which is wrong now and then. */
  pieces(): [number, number] {
    const count = this.random.between(0, 4);
    const at = this.structure(Array.from({ length: count }, () => this.buffer()).flat());
    if (this.once(20)) return [this.outside(8), this.random.between(1, 9)];
    return [at, this.once(20) ? this.pick([0x2000_0000, 0x2000_0001, 0xffff_ffff]) : count];
  }

  /** The first is a clock's, so that nothing waits for long. */
  subscriptions(): [number, number] {
    const count = this.random.between(0, 5);
    const entry = (i: number): number[] => {
      const type = i === 0 ? 0 : this.small(2);
      const about =
        type === 0 ? [this.random.between(0, 1), 0, this.random.between(0, 1000), 0] : [this.descriptor(), 0, 0, 0];
      return [this.random.u32(), i, type, 0, ...about, 0, 0, 0, 0];
    };
    return [this.structure(Array.from({ length: count }, (_, i) => entry(i)).flat()), count];
  }

  /** An address that is read: this host's most of the time. */
  address(): number {
    if (this.once(15)) return this.outside(8);
    const [bytes, length] = this.pick([
      [[0x0100_007f], 4],
      [[0], 4],
      [[0, 0, 0, 0x0100_0000], 16],
      [[0x007f_0001, 0x0100, ...Array<number>(30).fill(0)], 128],
      [[0], this.number()],
    ] as const);
    const at = this.once(20) ? this.outside(length) : this.structure(bytes);
    return this.structure([at, length]);
  }

  /** One that is told. */
  room(): number {
    if (this.once(15)) return this.outside(8);
    const length = this.pick([4, 16, 16, 128, 128, 3, 0]);
    return this.structure(this.once(15) ? [FREE, 0xffff_ffff] : [this.output(length), length]);
  }

  /** A list for sock_getaddrinfo, in the free place, and a word that points to it. */
  list(entries: number): number {
    const view = this.view();
    for (let i = 0; i < entries; i++) {
      const [entry, socketAddress] = [FREE + i * 64, FREE + i * 64 + 32];
      this.memory.fill(0, entry, entry + 64);
      view.setUint32(entry + 12, this.once(20) ? this.outside(12) : socketAddress, true);
      view.setUint32(entry + 24, this.once(20) ? this.outside(28) : entry + 64, true);
      view.setUint32(socketAddress + 4, 14, true);
      view.setUint32(socketAddress + 8, this.once(20) ? this.outside(14) : FREE + 0x4000 + i * 32, true);
    }
    return this.structure([this.once(20) ? this.outside(28) : FREE]);
  }

  hints(): number {
    const [flags, family, type] = [this.pick([0, 0, 1, 4, 5, 128]), this.small(2) & 255, this.small(2) & 255];
    return this.structure([flags | (family << 16) | (type << 24), this.small(2), 0, 0, 0, 0, 0]);
  }
}
