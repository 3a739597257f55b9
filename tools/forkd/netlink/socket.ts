// A netlink socket, by libc's own calls: Node has no such sockets. Requests are answered before the call that makes them returns, a
// fraction of a millisecond later: so nothing happens between a change of rules and what depends on it.
import koffi from "koffi";
import { KaryonError } from "../../support/errors.ts";
import {
  decodeMessages,
  encodeMessage,
  findAttribute,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  textOf,
  type Message,
  type Received,
} from "./message.ts";

// bits/socket.h, linux/netlink.h
const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NLMSGERR_ATTR_MSG = 1;
/** The length of an error's number and of the header that it quotes. */
const QUOTED = 4 + 16;
const ADDRESS_SIZE = 12;
const TIMEOUT_S = 5;
const DATAGRAM = 65536;

/** The kernel's answer to a request that it refuses. */
export class NetlinkError extends KaryonError {
  constructor(
    what: string,
    readonly errno: number,
    detail: string,
  ) {
    const name = Object.entries(koffi.os.errno).find(([, number]) => number === errno)?.[0] ?? "unknown";
    const text = `the kernel refuses to ${what}: errno ${errno} (${name})${detail === "" ? "" : `, ${detail}`}`;
    super("NETLINK_REFUSED", text, mendOf(errno));
  }
}

function mendOf(errno: number): string {
  const { ENOENT, EOPNOTSUPP, EAFNOSUPPORT, EPROTONOSUPPORT, EPERM } = koffi.os.errno;
  if (errno === EPERM) return "forkd needs to run as root";
  const isMissing = [ENOENT, EOPNOTSUPP, EAFNOSUPPORT, EPROTONOSUPPORT].includes(errno);
  return isMissing ? "the kernel needs its modules nf_tables, nft_fwd_netdev, nft_dup_netdev, nft_hash and dummy" : "";
}

/** Messages around those of a batch. */
export interface MessageFrame {
  readonly begin: Message;
  readonly end: Message;
}

/** An open netlink socket. */
export class NetlinkSocket {
  readonly #library = koffi.load("libc.so.6");
  readonly #send = this.#library.func("long send(int fd, const void *bytes, size_t length, int flags)");
  readonly #receive = this.#library.func("long recv(int fd, void *bytes, size_t length, int flags)");
  readonly #descriptor: number;
  readonly #datagram = Buffer.alloc(DATAGRAM);
  #sequence = 0;

  /**
   * @param protocol NETLINK_ROUTE (0), NETLINK_NETFILTER (12)
   * @throws KaryonError NETLINK
   */
  constructor(protocol: number) {
    const socket = this.#library.func("int socket(int domain, int type, int protocol)");
    const bind = this.#library.func("int bind(int fd, const void *address, uint32_t length)");
    const address = Buffer.alloc(ADDRESS_SIZE);
    address.writeUInt16LE(AF_NETLINK, 0);
    this.#descriptor = succeeded("open a netlink socket", socket(AF_NETLINK, SOCK_RAW_CLOEXEC, protocol) as number);
    try {
      succeeded("bind a netlink socket", bind(this.#descriptor, address, ADDRESS_SIZE) as number);
      const timeout = Buffer.alloc(16);
      timeout.writeBigInt64LE(BigInt(TIMEOUT_S), 0);
      this.#option(SOL_SOCKET, SO_RCVTIMEO, timeout);
      const on = Buffer.from([1, 0, 0, 0]);
      this.#option(SOL_NETLINK, NETLINK_CAP_ACK, on);
      this.#option(SOL_NETLINK, NETLINK_EXT_ACK, on);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * Makes one request.
   *
   * @param what what it is to do, for the error
   * @throws NetlinkError NETLINK_REFUSED; KaryonError NETLINK when nobody answers
   */
  request(what: string, message: Message): void {
    this.requestAll(what, [message]);
  }

  /** Makes requests in one datagram, between a first and a last message where the subsystem wants them. The first refusal counts. */
  requestAll(what: string, messages: readonly Message[], frame?: MessageFrame): void {
    // Only the last is acknowledged: answers to all of many would not fit into the socket's memory.
    const datagram = messages.map((message, i) => {
      const flags = message.flags | NLM_F_REQUEST | (i === messages.length - 1 ? NLM_F_ACK : 0);
      return encodeMessage({ ...message, flags }, ++this.#sequence);
    });
    const last = this.#sequence;
    const first = last - messages.length + 1;
    // A batch that is refused as a whole is answered once, about its frame.
    const around = (message: Message | undefined): Buffer[] =>
      message === undefined ? [] : [encodeMessage(message, ++this.#sequence)];
    this.#transmit(what, Buffer.concat([...around(frame?.begin), ...datagram, ...around(frame?.end)]));
    let refusal: NetlinkError | undefined;
    for (let answered = false; !answered;) {
      for (const message of this.#next(what)) {
        if (message.type !== NLMSG_ERROR || message.sequence < first) continue;
        refusal ??= refusalOf(what, message);
        answered ||= message.sequence >= last;
      }
    }
    if (refusal !== undefined) throw refusal;
  }

  /** The one thing that the kernel tells as its answer. @throws as request() */
  query(what: string, message: Message): Buffer {
    const sequence = ++this.#sequence;
    this.#transmit(what, encodeMessage({ ...message, flags: message.flags | NLM_F_REQUEST }, sequence));
    for (;;) {
      for (const received of this.#next(what)) {
        if (received.sequence !== sequence) continue;
        const error = received.type === NLMSG_ERROR ? refusalOf(what, received) : undefined;
        if (error !== undefined) throw error;
        if (received.type !== NLMSG_ERROR) return Buffer.from(received.body);
      }
    }
  }

  /** All that the kernel lists as its answer. @throws as request() */
  dump(what: string, message: Message): Buffer[] {
    const sequence = ++this.#sequence;
    this.#transmit(what, encodeMessage({ ...message, flags: message.flags | NLM_F_REQUEST | NLM_F_DUMP }, sequence));
    const found: Buffer[] = [];
    for (;;) {
      for (const received of this.#next(what)) {
        if (received.sequence !== sequence) continue;
        if (received.type === NLMSG_DONE) return found;
        const error = received.type === NLMSG_ERROR ? refusalOf(what, received) : undefined;
        if (error !== undefined) throw error;
        if (received.type !== NLMSG_ERROR) found.push(Buffer.from(received.body));
      }
    }
  }

  close(): void {
    this.#library.func("int close(int fd)")(this.#descriptor);
  }

  #option(level: number, name: number, value: Buffer): void {
    const set = this.#library.func("int setsockopt(int fd, int level, int name, const void *value, uint32_t length)");
    succeeded("prepare a netlink socket", set(this.#descriptor, level, name, value, value.length) as number);
  }

  #transmit(what: string, datagram: Buffer): void {
    succeeded(what, Number(this.#send(this.#descriptor, datagram, datagram.length, 0)));
  }

  #next(what: string): Generator<Received> {
    // A signal ends a call with a time limit, and libc does not begin it anew.
    for (;;) {
      const length = Number(this.#receive(this.#descriptor, this.#datagram, DATAGRAM, 0));
      if (length >= 0 || koffi.errno() !== koffi.os.errno["EINTR"]) {
        return decodeMessages(this.#datagram.subarray(0, succeeded(what, length)));
      }
    }
  }
}

/** What an answer of type NLMSG_ERROR says; undefined for an acknowledgement. Exported for its test. */
export function refusalOf(what: string, { body }: Pick<Received, "body">): NetlinkError | undefined {
  const number = body.readInt32LE(0);
  if (number === 0) return undefined;
  const detail = findAttribute(body.subarray(QUOTED), NLMSGERR_ATTR_MSG);
  return new NetlinkError(what, -number, detail === undefined ? "" : textOf(detail));
}

function succeeded(what: string, result: number): number {
  if (result >= 0) return result;
  throw new KaryonError(
    "NETLINK",
    `cannot ${what}: netlink fails with errno ${koffi.errno()}`,
    "forkd needs to run as root",
  );
}
