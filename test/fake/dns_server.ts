// A DNS server for the tests: an app in a domain of its own, so that it speaks UDP and TCP; what it says is the test's script.
import type { App } from "../../tools/fake-xen/coroutines.ts";
import type { Domain } from "../../tools/fake-xen/domain.ts";
import type { Guest, Host } from "../../tools/fake-xen/host.ts";
import { parseQuery, type Query } from "../unit/dns/message.ts";
import { u16 } from "../unit/net/frames.ts";
import { BUFFER, BUFFER_SIZE, Calls, type Piece } from "./calls.ts";

const AF_INET6 = 10;
const PEER = 0x2000;
const PEER_SIZE = 28;
const LOCAL = 0x2200;
const POLL = 0x2100;
const LIMITLESS = -1n;

/** A query that has come, and how. */
export interface Asked extends Query {
  readonly transport: "udp" | "tcp";
  /** Seconds since the host booted. */
  readonly time: number;
  readonly port: number;
}

/** A datagram or message of the server. */
export interface Said {
  readonly bytes: Uint8Array;
  /** Seconds before it goes out; further queries wait meanwhile. */
  readonly after?: number;
  /** Over UDP: from another port than the one that was asked. */
  readonly fromElsewhere?: boolean;
}

/** What the server says to a query; nothing by default. */
export type Script = (query: Asked) => readonly (Uint8Array | Said)[];

export class DnsServer {
  readonly seen: Asked[] = [];
  script: Script;
  readonly guest: Guest;

  constructor(
    private readonly host: Host,
    address: string,
    script: Script,
  ) {
    this.script = script;
    const commandLine = address.includes(":") ? `ip=10.0.0.250/24 ip6=${address}/64` : `ip=${address}/24`;
    this.guest = host.create({
      commandLine,
      network: { mac: `00:16:3e:00:01:${address.split(/[.:]/).at(-1)?.padStart(2, "0")}` },
      app: (domain) => this.run(domain),
    });
    this.guest.awaitConsole("connected to domain 0");
  }

  /** The names that were asked for, in lower case. */
  get names(): string[] {
    return this.seen.map((query) => query.name.toLowerCase());
  }

  private *run(domain: Domain): App {
    const calls = new Calls(domain);
    const datagrams = yield* this.bound(calls, 2);
    const elsewhere = yield* calls.call("posix_socket", AF_INET6, 2, 0);
    const listener = yield* this.bound(calls, 1);
    yield* calls.call("posix_listen", listener, 8);
    for (;;) {
      const entry = (fd: number): Buffer => Buffer.from([fd, 0, 0, 0, 1, 0, 0, 0]);
      calls.put(POLL, Buffer.concat([entry(datagrams), entry(listener)]));
      yield* calls.call("posix_poll", POLL, 2, LIMITLESS);
      const ready = calls.get(POLL, 16);
      if (ready.readUInt16LE(6) !== 0) yield* this.datagram(calls, datagrams, elsewhere);
      if (ready.readUInt16LE(14) !== 0) yield* this.connection(calls, listener);
    }
  }

  /** A socket of `type` for both families on the port of the service. */
  private *bound(calls: Calls, type: number): Piece<number> {
    const fd = yield* calls.call("posix_socket", AF_INET6, type, 0);
    calls.put(LOCAL, Buffer.concat([Buffer.from([AF_INET6, 0]), u16(53), Buffer.alloc(24)]));
    yield* calls.call("posix_bind", fd, LOCAL);
    return fd;
  }

  private note(calls: Calls, message: Buffer, transport: "udp" | "tcp"): Asked {
    const port = calls.get(PEER, 4).readUInt16BE(2);
    const asked = { ...parseQuery(Buffer.from(message)), transport, time: this.host.world.now / 1e9, port };
    this.seen.push(asked);
    return asked;
  }

  private *datagram(calls: Calls, socket: number, elsewhere: number): Piece<void> {
    calls.put(PEER, Buffer.from([AF_INET6, 0])); // what is wanted: the kernel writes an address of that family
    const length = yield* calls.call("posix_recvfrom", socket, BUFFER, BUFFER_SIZE, 0, PEER);
    const asked = this.note(calls, calls.get(BUFFER, length), "udp");
    const peer = calls.get(PEER, PEER_SIZE);
    for (const said of this.script(asked)) {
      const { bytes, after = 0, fromElsewhere = false } = "bytes" in said ? said : { bytes: said };
      if (after > 0) yield* calls.sleep(after);
      calls.put(BUFFER, bytes);
      calls.put(PEER, peer);
      yield* calls.call("posix_sendto", fromElsewhere ? elsewhere : socket, BUFFER, bytes.length, 0, PEER);
    }
  }

  private *connection(calls: Calls, listener: number): Piece<void> {
    calls.put(PEER, Buffer.from([AF_INET6, 0]));
    const fd = yield* calls.call("posix_accept", listener, PEER, 0);
    const length = yield* calls.call("posix_recvfrom", fd, BUFFER, BUFFER_SIZE, 0, 0);
    if (length > 2) {
      const asked = this.note(calls, calls.get(BUFFER + 2, length - 2), "tcp");
      for (const said of this.script(asked)) {
        const { bytes, after = 0 } = "bytes" in said ? said : { bytes: said };
        if (after > 0) yield* calls.sleep(after);
        calls.put(BUFFER, Buffer.concat([u16(bytes.length), bytes]));
        yield* calls.call("posix_sendto", fd, BUFFER, bytes.length + 2, 0, 0);
      }
    }
    yield* calls.call("posix_close", fd);
  }
}
