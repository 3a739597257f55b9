// System calls for apps in JavaScript: strings and addresses are put into app memory, results come back as numbers.
import type { App, SystemCall } from "../../tools/fake-xen/coroutines.ts";
import { APP_BASE, type Domain } from "../../tools/fake-xen/domain.ts";
import { ip, u16, u32 } from "../unit/net/frames.ts";

/** A piece of an app: yields system calls, ends with a value. */
export type Piece<T> = Generator<SystemCall, T, number | bigint>;

const ADDRESS = 0x1000;
const TEXT = 0x1100;
const VALUE = 0x1800;
/** Where apps may put data: 96 KiB. */
export const BUFFER = 0x4000;
export const BUFFER_SIZE = 0x18000;

export const ETIMEDOUT = 110;

/** The calls, for the app of one domain. */
export class Calls {
  constructor(protected readonly domain: Domain) {}

  *call(name: string, ...args: readonly (number | bigint)[]): Piece<number> {
    return Number(yield { name, args });
  }

  put(at: number, bytes: Uint8Array): void {
    this.domain.memory.bytes.set(bytes, APP_BASE + at);
  }

  get(at: number, length: number): Buffer {
    return Buffer.from(this.domain.memory.slice(APP_BASE + at, length));
  }

  private endpoint(address: string, port: number): number {
    this.put(ADDRESS, Buffer.concat([Buffer.from([2, 0]), u16(port), u32(ip(address)), Buffer.alloc(8)]));
    return ADDRESS;
  }

  socket(type: "tcp" | "udp"): Piece<number> {
    return this.call("posix_socket", 2, type === "tcp" ? 1 : 2, 0);
  }

  bind(fd: number, port: number): Piece<number> {
    return this.call("posix_bind", fd, this.endpoint("0.0.0.0", port));
  }

  connect(fd: number, address: string, port: number): Piece<number> {
    return this.call("posix_connect", fd, this.endpoint(address, port));
  }

  sleep(seconds: number): Piece<number> {
    return this.call("posix_nanosleep", BigInt(Math.round(seconds * 1e9)));
  }

  /** A UDP socket on `port` that sends everything back, for ever. */
  *udpEcho(port: number): App {
    const fd = yield* this.socket("udp");
    yield* this.bind(fd, port);
    for (;;) {
      const length = yield* this.call("posix_recvfrom", fd, BUFFER, BUFFER_SIZE, 0, ADDRESS);
      if (length < 0) return -length;
      yield* this.call("posix_sendto", fd, BUFFER, length, 0, ADDRESS);
    }
  }

  private text(text: string, at: number): readonly [number, number] {
    this.put(at, Buffer.from(text, "latin1"));
    return [at, text.length];
  }

  *storeRead(path: string, transaction = 0): Piece<string | number> {
    const length = yield* this.call("test_read", ...this.text(path, TEXT), BUFFER, BUFFER_SIZE, transaction);
    return length < 0 ? length : this.get(BUFFER, length).toString("latin1");
  }

  storeWrite(path: string, value: string, transaction = 0): Piece<number> {
    return this.call("test_write", ...this.text(path, TEXT), ...this.text(value, VALUE), transaction);
  }

  storeRemove(path: string): Piece<number> {
    return this.call("test_remove", ...this.text(path, TEXT));
  }

  *storeDirectory(path: string): Piece<readonly string[] | number> {
    const length = yield* this.call("test_directory", ...this.text(path, TEXT), BUFFER, BUFFER_SIZE);
    return length < 0 ? length : this.get(BUFFER, length).toString("latin1").split("\0").slice(0, -1);
  }

  storeWatch(path: string): Piece<number> {
    return this.call("test_watch", ...this.text(path, TEXT));
  }
}
