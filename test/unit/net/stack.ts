// The harness from the test's side: one instance of the network stack in virtual time, and its device.
// A received frame is laid at the very end of the wasm memory, so that reading one byte too many traps.
import { compileAssembly } from "../../support/assembly.ts";
import { OUR_IP, PEER_IP, PEER_MAC, arpFrame, etherType, ip, parseArp } from "./frames.ts";
import { emptyHooks } from "../../support/hooks.ts";

export const SECOND = 1_000_000_000n;

export const TX_CHECKSUM_BLANK = 1;
export const RX_CHECKSUM_VALID = 1;
export const RX_CHECKSUM_BLANK = 2;
export const CHECKSUM_OFFLOAD_TX = 1;

// errno values that the tests name.
export const EAGAIN = 11;
export const EACCES = 13;
export const EINVAL = 22;
export const EPIPE = 32;
export const EDESTADDRREQ = 89;
export const EMSGSIZE = 90;
export const EADDRINUSE = 98;
export const EADDRNOTAVAIL = 99;
export const ENETDOWN = 100;
export const ENETUNREACH = 101;
export const ECONNREFUSED = 111;
export const EHOSTUNREACH = 113;

/** POLLIN | POLLRDNORM. */
export const READABLE = 0x041;
/** POLLOUT | POLLWRNORM. */
export const WRITABLE = 0x104;
export const POLLERR = 8;

interface Exports {
  readonly memory: WebAssembly.Memory;
  start(memoryStart: number, pages: number, buffers: number, features: number): void;
  setBuffers(count: number): void;
  usedBuffers(): number;
  setCarrier(up: number, now: bigint): void;
  pageBlock(order: number): number;
  freePages(): number;
  runDhcp(now: bigint): number;
  leaseField(index: number): number;
  receive(socket: number, target: number, count: number): number;
  peek(socket: number, target: number, count: number): number;
  peerAddress(): number;
  peerPort(): number;
  peerLength(): number;
  socketLocalAddress(socket: number): number;
  socketLocalPort(socket: number): number;
  socketReuse(socket: number): void;
  socketBroadcast(socket: number): void;
  socketDrops(socket: number): number;
  parseConfiguration(text: number, length: number): number;
  configurationField(index: number): number;
  choosePort(bound: number): number;
  checksum(address: number, length: number): number;
  checksumOfParts(first: number, firstLength: number, second: number, secondLength: number): number;
  conflictFound(address: number): number;
  conflictProbe(address: number): void;
  dhcpFollow(): void;
  dhcpLead(now: bigint): void;
  dhcpReboot(now: bigint): void;
  domainSearchTake(message: number, length: number, target: number): void;
  counter(group: number, index: number): bigint;
  ask(socket: number, service: number, timeToLive: number): void;
  domainSearch(): number;
  dhcpState(): number;
  dhcpStop(): void;
  interfaceAddress(): number;
  interfaceConfigure(address: number, prefix: number, gateway: number, mtu: number, now: bigint): number;
  interfaceDeadline(): bigint;
  interfaceGateway(): number;
  interfaceInput(data: number, length: number, flags: number, now: bigint): void;
  interfaceMask(): number;
  interfaceMtu(): number;
  interfacePoll(now: bigint): void;
  interfaceSuspend(): void;
  interfaceUnconfigure(now: bigint): void;
  ipv4PathMtu(destination: number): number;
  loopbackQueued(): number;
  lowerPathMtu(destination: number, mtu: number, now: bigint): number;
  bind(socket: number, address: number, port: number): number;
  udpClose(socket: number): void;
  connect(socket: number, address: number, port: number): number;
  udpPollEvents(socket: number): number;
  sendTo(socket: number, data: number, count: number, address: number, port: number, now: bigint): number;
  udpSetReceiveLimit(socket: number, bytes: number): void;
  udpShutdown(socket: number, how: number): number;
  socketCreate(): number;
  udpTakeError(socket: number): number;
}

export interface Sent {
  readonly frame: Buffer;
  readonly flags: number;
  readonly gsoSize: number;
}

/** A seeded generator (mulberry32) of numbers in [0, 2^32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
}

export interface StackOptions {
  readonly pages?: number;
  readonly buffers?: number;
  readonly features?: number;
  readonly seed?: number;
  /** Configure OUR_IP/24 with gateway PEER_IP, which is resolved already; default true. */
  readonly configured?: boolean;
}

/** Compiled once for all tests of a process. */
let harness: Promise<WebAssembly.Module> | null = null;

const SHARED_INFO = 0x180000;
const SCRATCH = 0x190000;
const PAGES = 0x200000;

export class Stack {
  readonly call: Exports;
  readonly sent: Sent[] = [];
  readonly addressChanges: boolean[] = [];
  /** The addresses that the family's record in dom0 was to have. */
  readonly familyAddresses: number[] = [];
  now = 1_000_000_000n;

  private constructor(instance: WebAssembly.Instance) {
    this.call = instance.exports as unknown as Exports;
  }

  static async create(options: StackOptions = {}): Promise<Stack> {
    harness ??= compileAssembly("test/unit/net/harness.ts");
    const module = await harness;
    const random = seededRandom(options.seed ?? 1);
    const random64 = () => (BigInt(random()) << 32n) | BigInt(random());
    let stack: Stack | null = null;
    const hooks = emptyHooks(module);
    const instance = await WebAssembly.instantiate(module, {
      ...hooks,
      boot: { rdtsc: random64, rdrand: random64, sharedInfo: () => SHARED_INFO, workDue: () => undefined },
      with_resolve: {
        resolverForget: () => undefined,
        domainSearchTake: (message: number, length: number, target: number) =>
          stack?.call.domainSearchTake(message, length, target),
      },
      with_fork: {
        ...hooks["with_fork"],
        familyAddress: (address: number) => stack?.familyAddresses.push(address >>> 0),
      },
      harness_host: {
        transmitted: (data: number, length: number, flags: number, gsoSize: number) =>
          stack?.sent.push({ frame: Buffer.from(stack.bytes(data, length)), flags, gsoSize }),
        addressChanged: (configured: number) => stack?.addressChanges.push(configured !== 0),
      },
    });
    stack = new Stack(instance);
    const pages = options.pages ?? 1024;
    const needed = PAGES + pages * 4096 + 0x20000;
    stack.call.memory.grow(Math.max(0, Math.ceil((needed - stack.call.memory.buffer.byteLength) / 65536)));
    stack.call.start(PAGES, pages, options.buffers ?? 64, options.features ?? 0);
    if (options.configured ?? true) stack.configure();
    return stack;
  }

  configure(): void {
    this.call.interfaceConfigure(ip(OUR_IP), 24, ip(PEER_IP), 0, this.now);
    this.input(arpFrame({ operation: 1 }));
    this.advance(3n * SECOND); // the second announcement
    this.sent.length = 0;
  }

  /** A copy of `length` bytes of the stack's memory. */
  bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.call.memory.buffer).slice(address, address + length);
  }

  write(address: number, data: Uint8Array): void {
    new Uint8Array(this.call.memory.buffer).set(data, address);
  }

  /** Gives the stack a frame, as its driver would, and polls. */
  input(frame: Uint8Array, flags = 0): void {
    const address = this.call.memory.buffer.byteLength - frame.length;
    this.write(address, frame);
    this.call.interfaceInput(address, frame.length, flags, this.now);
    this.call.interfacePoll(this.now);
  }

  /** Lets time pass, polling exactly when the stack asks for it. */
  advance(nanoseconds: bigint): void {
    const end = this.now + nanoseconds;
    for (let left = 10_000; left > 0; left--) {
      const deadline = BigInt.asUintN(64, this.call.interfaceDeadline());
      if (deadline > end) break;
      if (deadline > this.now) this.now = deadline;
      this.call.interfacePoll(this.now);
    }
    this.now = end;
  }

  /** The frames sent since the last call. */
  take(): Buffer[] {
    return this.sent.splice(0).map((sent) => sent.frame);
  }

  takeArp(): ReturnType<typeof parseArp>[] {
    return this.take()
      .filter((frame) => etherType(frame) === 0x0806)
      .map((frame) => parseArp(frame));
  }

  takeIpv4(): Buffer[] {
    return this.take().filter((frame) => etherType(frame) === 0x0800);
  }

  /** Answers the ARP request for `address`. */
  answerArp(address: string, senderMac = PEER_MAC): void {
    this.input(arpFrame({ operation: 2, senderIp: address, senderMac, targetIp: OUR_IP }));
  }

  /** What the DHCP server has said of domains, and whether it is a list in wire form. */
  domainSearch(): { bytes: Buffer; isList: boolean } {
    const [address = 0, length = 0, isList = 0] = new Uint32Array(this.call.memory.buffer, this.call.domainSearch(), 3);
    return { bytes: Buffer.from(this.bytes(address, length)), isList: (isList & 255) !== 0 };
  }

  socket(port = 0, address = "0.0.0.0"): number {
    const socket = this.call.socketCreate();
    if (port !== 0) {
      const result = this.call.bind(socket, ip(address), port);
      if (result !== 0) throw new Error(`bind: ${result}`);
    }
    return socket;
  }

  send(socket: number, data: Uint8Array, address = "0.0.0.0", port = 0): number {
    const target = data.length > 0x10000 ? PAGES : SCRATCH;
    this.write(target, data);
    return this.call.sendTo(socket, target, data.length, ip(address), port, this.now);
  }

  /** Takes a datagram: its bytes, or the negative errno. */
  receive(socket: number, count = 65535): Buffer | number {
    const result = this.call.receive(socket, SCRATCH, count);
    return result < 0 ? result : Buffer.from(this.bytes(SCRATCH, result));
  }
}
