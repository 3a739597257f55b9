// The harness from the test's side. A message is laid at the very end of the wasm memory, so that reading one byte too many
// traps.
import { seededRandom } from "../net/stack.ts";
import { compileAssembly } from "../../support/assembly.ts";
import { A, parseQuery, type Query } from "./message.ts";

export const ENOENT = 2;
export const EAGAIN = 11;
export const ENODATA = 61;
export const EPROTO = 71;
export const EMSGSIZE = 90;
/** The message is no answer to the question. */
export const NO_ANSWER = 1;

interface Exports {
  readonly memory: WebAssembly.Memory;
  start(memoryStart: number, pages: number): void;
  ask(text: number, length: number, type: number, id: number, mixCase: number): number;
  query(target: number, extended: number): number;
  read(message: number, length: number): number;
  addressCount(): number;
  addresses(): number;
  timeToLive(): number;
  append(text: number, length: number, domain: number, domainLength: number): number;
  dnsNameRead(message: number, length: number, at: number, target: number): number;
}

const SHARED_INFO = 0x180000;
const SCRATCH = 0x190000;
const PAGES = 0x200000;

let harness: Promise<WebAssembly.Module> | null = null;

export class ResolverParts {
  private constructor(private readonly call: Exports) {}

  static async create(seed = 1): Promise<ResolverParts> {
    harness ??= compileAssembly("test/unit/dns/harness.ts");
    const random = seededRandom(seed);
    const random64 = () => (BigInt(random()) << 32n) | BigInt(random());
    const instance = await WebAssembly.instantiate(await harness, {
      boot: { rdtsc: random64, rdrand: random64, sharedInfo: () => SHARED_INFO, workDue: () => undefined },
    });
    const parts = new ResolverParts(instance.exports as unknown as Exports);
    parts.call.start(PAGES, 16);
    return parts;
  }

  private put(at: number, bytes: Uint8Array): number {
    new Uint8Array(this.call.memory.buffer).set(bytes, at);
    return at;
  }

  private get(at: number, length: number): Buffer {
    return Buffer.from(new Uint8Array(this.call.memory.buffer).slice(at, at + length));
  }

  /** Makes `name` the question; the query as it would be sent, null when the text is no name. */
  ask(name: string, { type = A, id = 0x1234, mixCase = false, extended = true } = {}): Query | null {
    const text = Buffer.from(name, "latin1");
    const length = this.call.ask(this.put(SCRATCH, text), text.length, type, id, mixCase ? 1 : 0);
    return length === 0 ? null : parseQuery(this.get(SCRATCH, this.call.query(SCRATCH, extended ? 1 : 0)));
  }

  /** Gives the present question a response: what is made of it. */
  read(message: Uint8Array): { outcome: number; addresses: string[]; seconds: number } {
    const at = this.call.memory.buffer.byteLength - message.length;
    const outcome = this.call.read(this.put(at, message), message.length);
    const count = outcome === 0 ? this.call.addressCount() : 0;
    const bytes = this.get(this.call.addresses(), count * 16);
    const addresses = Array.from({ length: count }, (_, i) => [...bytes.subarray(i * 16, i * 16 + 4)].join("."));
    return { outcome, addresses, seconds: this.call.timeToLive() };
  }

  /** The name at `at` of a message, uncompressed; null when it is malformed. */
  name(message: Uint8Array, at: number): Buffer | null {
    const start = this.put(this.call.memory.buffer.byteLength - message.length, message);
    const length = this.call.dnsNameRead(start, message.length, at, SCRATCH);
    return length === 0 ? null : this.get(SCRATCH, length);
  }

  /** Bytes of "name.domain" in wire form, 0 when it is too long. */
  append(name: string, domain: string): number {
    this.put(SCRATCH, Buffer.from(name + domain));
    return this.call.append(SCRATCH, name.length, SCRATCH + name.length, domain.length);
  }
}
