// A TCP stack instance for tests: the compiled harness with its imports, as a station of a simulated network.
import { compileAssembly } from "../../support/assembly.ts";
import type { Network, Station } from "../../support/network.ts";
import { Random } from "../../support/random.ts";
import { segmentFrame } from "../../support/segmentation.ts";
import { emptyHooks } from "../../support/hooks.ts";

/** Index of each variable in the harness's socketField. */
const FIELDS = [
  "state",
  "sendUnacknowledged",
  "sendNext",
  "sendMax",
  "sendWindow",
  "receiveNext",
  "receiveEdge",
  "congestionWindow",
  "slowStartThreshold",
  "segmentSize",
  "flags",
  "timeoutMilliseconds",
  "acceptCount",
  "halfOpenCount",
  "receiveCapacity",
  "sendCapacity",
  "ranges",
  "roundTripMicroseconds",
  "timestampRecent",
  "remotePort",
  "cubicMaximum",
  "receiveLimit",
  "sendLimit",
  "wantsRoom",
] as const;

export type Field = (typeof FIELDS)[number];

export const State = {
  CLOSED: 0,
  LISTEN: 1,
  SYN_SENT: 2,
  SYN_RECEIVED: 3,
  ESTABLISHED: 4,
  FIN_WAIT_1: 5,
  FIN_WAIT_2: 6,
  CLOSE_WAIT: 7,
  CLOSING: 8,
  LAST_ACK: 9,
  TIME_WAIT: 10,
} as const;

export const Errno = {
  EAGAIN: 11,
  EPIPE: 32,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  ECONNRESET: 104,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  EHOSTUNREACH: 113,
  EINPROGRESS: 115,
} as const;

/** READABLE and WRITABLE are two bits each: POLLRDNORM and POLLWRNORM besides. */
export const Poll = { READABLE: 0x041, PRI: 2, WRITABLE: 0x104, ERR: 8, HUP: 16, RDHUP: 0x2000 } as const;

type Export = (...args: (number | bigint | boolean)[]) => number;

const SHARED_INFO = 0x2000;
const WASM_PAGE = 65536;
const NEVER = 2n ** 64n - 1n;
const TX_CHECKSUM_BLANK = 1;
export const CHECKSUM_OFFLOAD_TX = 1;
export const GSO_TCPV4 = 2;
export const SCATTER_GATHER = 4;
export const CHECKSUM_OFFLOAD_TX_IPV6 = 8;
export const GSO_TCPV6 = 16;
/** What a device has that takes large frames, … */
export const OFFLOADS = CHECKSUM_OFFLOAD_TX | GSO_TCPV4 | SCATTER_GATHER;
/** … of IPv6 too. */
export const OFFLOADS_IPV6 = OFFLOADS | CHECKSUM_OFFLOAD_TX_IPV6 | GSO_TCPV6;

/** What of kernel/boot.ts gives 64 bits. */
const WIDE = ["rdtsc", "hypercall", "forkChild", "machineToPhys"];

const compiled = new Map<string, Promise<WebAssembly.Module>>();

export interface StackOptions {
  readonly seed?: number;
  /** Pages of memory, and how many of them buffers may take (0 = half). */
  readonly pages?: number;
  readonly bufferPages?: number;
  readonly features?: number;
  readonly mtu?: number;
  /** The harness, when a test needs exports beside TCP's. */
  readonly harness?: string;
}

/** Of a network what a stack needs. */
export type Link = Pick<Network, "send" | "attach" | "now">;

export class Stack implements Station {
  readonly address: number;
  /** What the stack transmits when no network is attached. */
  readonly transmitted: Uint8Array[] = [];
  #network: Link | null = null;
  #now = 1_000_000_000n;
  readonly #exports: Record<string, Export>;
  readonly #memory: WebAssembly.Memory;
  readonly #scratch: number;

  /** With a parent, whose module exports its variables as "global$<n>", a copy of it as it is. */
  protected constructor(
    readonly host: number,
    module: WebAssembly.Module,
    options: StackOptions,
    parent?: Stack,
  ) {
    const random = new Random((options.seed ?? 1) * 100 + host);
    const word = (): bigint => (BigInt(random.u32()) << 32n) | BigInt(random.u32());
    const boot = new Proxy({} as Record<string, (...args: unknown[]) => unknown>, {
      get: (_target, name) => {
        if (name === "rdrand") return word;
        if (name === "sharedInfo") return () => SHARED_INFO;
        return () => (WIDE.includes(String(name)) ? 0n : 0);
      },
    });
    const transmitted = (data: number, length: number, flags: number, gsoSize: number): void =>
      this.#transmit(data, length, flags, gsoSize);
    const memory = new WebAssembly.Memory({ initial: 17 });
    const imports = { ...this.hooks(module), boot, host: { transmitted }, env: { memory } };
    const instance = new WebAssembly.Instance(module, imports);
    this.#exports = instance.exports as unknown as Record<string, Export>;
    this.#memory = instance.exports["memory"] as unknown as WebAssembly.Memory;
    this.address = (0x0a000000 | host) >>> 0;
    const start = this.#memory.buffer.byteLength;
    if (parent !== undefined) {
      this.#scratch = parent.#scratch;
      this.#copy(parent);
      return;
    }
    const pages = options.pages ?? 4096;
    this.#memory.grow(Math.ceil((pages * 4096) / WASM_PAGE) + 4);
    this.#scratch = start + pages * 4096;
    const { bufferPages = 0, features = 0, mtu = 1500 } = options;
    this.call("setTime", this.#now);
    if (this.call("start", start, pages, bufferPages, host, features, mtu) === 0) throw new Error("no memory");
    this.call("setTime", this.#now + 1_000_000_000n);
    this.#now = 0n;
  }

  /** The imports of modules with_<call>: of a kernel without those calls. */
  protected hooks(module: WebAssembly.Module): Record<string, WebAssembly.ModuleImports> {
    return emptyHooks(module);
  }

  #copy(parent: Stack): void {
    this.#memory.grow((parent.#memory.buffer.byteLength - this.#memory.buffer.byteLength) / WASM_PAGE);
    new Uint8Array(this.#memory.buffer).set(new Uint8Array(parent.#memory.buffer));
    for (const [name, value] of Object.entries(parent.#exports as unknown as Record<string, unknown>)) {
      if (!name.startsWith("global$")) continue;
      const own = this.#exports[name] as unknown as WebAssembly.Global;
      own.value = (value as WebAssembly.Global).value;
    }
    this.#now = parent.#now;
  }

  /** A stack with address 10.0.0.`host`. */
  static async create(host: number, options: StackOptions = {}): Promise<Stack> {
    const harness = options.harness ?? "test/unit/tcp/harness.ts";
    const module = compiled.get(harness) ?? compileAssembly(harness);
    compiled.set(harness, module);
    return new Stack(host, await module, options);
  }

  join(network: Link): this {
    this.#network = network;
    network.attach(this);
    this.time(network.now);
    return this;
  }

  /** Calls an export of the harness. */
  call(name: string, ...args: (number | bigint | boolean)[]): number {
    const target = this.#exports[name];
    if (target === undefined) throw new Error(`the harness has no export ${name}`);
    return target(...args);
  }

  /** As call, for sequence numbers and other unsigned results. */
  unsigned(name: string, ...args: (number | bigint | boolean)[]): number {
    return this.call(name, ...args) >>> 0;
  }

  field(socket: number, field: Field): number {
    return this.unsigned("socketField", socket, FIELDS.indexOf(field));
  }

  get now(): bigint {
    return this.#now;
  }

  /** Sets the stack's clock. clockStart ran at 1 s of system time, so monotonic time is `now`. */
  time(now: bigint): void {
    this.#now = now;
    this.call("setTime", now + 1_000_000_000n);
  }

  receive(frame: Uint8Array, now: bigint): void {
    if (now !== this.#now) this.time(now);
    this.bytes(this.#scratch, frame.length).set(frame);
    this.call("interfaceInput", this.#scratch, frame.length, 0, now);
  }

  run(now: bigint): void {
    if (now !== this.#now) this.time(now);
    this.call("timersRun", now);
    this.call("interfacePoll", now);
  }

  deadline(now: bigint): bigint {
    const timers = BigInt.asUintN(64, BigInt(this.call("timersNextDeadline")));
    const others = BigInt.asUintN(64, BigInt(this.call("interfaceDeadline")));
    const next = timers < others ? timers : others;
    return next === NEVER ? 2n ** 63n : next < now ? now : next;
  }

  bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, address, length);
  }

  write(address: number, data: Uint8Array): void {
    this.bytes(address, data.length).set(data);
  }

  get scratch(): number {
    return this.#scratch;
  }

  #transmit(data: number, length: number, flags: number, gsoSize: number): void {
    const copy = this.bytes(data, length).slice();
    for (const frame of segmentFrame(copy, gsoSize, (flags & TX_CHECKSUM_BLANK) !== 0)) {
      if (this.#network !== null) this.#network.send(this, frame);
      else this.transmitted.push(frame);
    }
  }

  // The socket calls, at the present time.

  socket(): number {
    return this.call("socketCreate");
  }

  listen(port: number, backlog = 16): number {
    const socket = this.socket();
    this.call("tcpSetReuseAddress", socket, true);
    const bound = this.call("bind", socket, 0, port);
    if (bound < 0) throw new Error(`bind: ${bound}`);
    const listening = this.call("tcpListen", socket, backlog);
    if (listening < 0) throw new Error(`listen: ${listening}`);
    return socket;
  }

  connect(address: number, port: number, socket = this.socket()): number {
    const result = this.call("connect", socket, address, port, this.#now);
    if (result !== -Errno.EINPROGRESS) throw new Error(`connect: ${result}`);
    return socket;
  }

  accept(listener: number): number {
    return this.call("tcpAccept", listener);
  }

  /** Bytes taken, or -errno. `more`: MSG_MORE. */
  send(socket: number, data: Uint8Array | string, more = false): number {
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
    const part = bytes.subarray(0, 2 * WASM_PAGE);
    this.bytes(this.#scratch, part.length).set(part);
    return this.call("tcpSend", socket, this.#scratch, part.length, this.#now, more);
  }

  /** Bytes received, or 0 at the end, or -errno. */
  read(socket: number, count = WASM_PAGE): Uint8Array | number {
    const result = this.call("tcpReceive", socket, this.#scratch, count, this.#now);
    return result > 0 ? this.bytes(this.#scratch, result).slice() : result;
  }

  readText(socket: number): string | number {
    const result = this.read(socket);
    return typeof result === "number" ? result : new TextDecoder().decode(result);
  }

  poll(socket: number): number {
    return this.call("tcpPollEvents", socket);
  }

  shutdown(socket: number, how = 1): number {
    return this.call("tcpShutdown", socket, how, this.#now);
  }

  close(socket: number): void {
    this.call("tcpClose", socket, this.#now);
  }

  error(socket: number): number {
    return this.call("tcpTakeError", socket);
  }

  /** SO_ERROR. */
  report(socket: number): number {
    return this.call("tcpTakeReport", socket);
  }
}
