// Datagrams.
import { AF_INET6, SOCK_CLOEXEC, SOCK_DGRAM, SO_RCVTIMEO } from "../../../posix/constants";
import { errno, setErrno } from "../../errno";
import { in6addr_any, sockaddr_in6 } from "../../inet6";
import { bind, getsockname, recvfrom, sendto, setSocketTimeout, socket } from "../../socket";
import { close as closeDescriptor } from "../../unistd";
import { hostText } from "./address";
import { addressesOf } from "./lookup";

/** The longest there is over IPv4: 65535 bytes without the headers. */
const LONGEST: i32 = 65_507;

/** A datagram that has come. */
@final
export class Datagram {
  constructor(
    public bytes: Uint8Array,
    /** Who has sent it. */
    public from: sockaddr_in6,
  ) {}

  /** Its text. */
  get text(): string {
    return String.UTF8.decodeUnsafe(this.bytes.dataStart, this.bytes.length);
  }

  /** The sender's address as text. */
  get host(): string {
    return hostText(this.from);
  }

  /** The sender's port. */
  get port(): u16 {
    return this.from.port;
  }
}

/** A socket for datagrams. */
@final
export class UdpSocket {
  private buffer: ArrayBuffer = new ArrayBuffer(LONGEST);

  constructor(
    /** Its descriptor; -1 once it is closed. */
    public fd: i32,
    /** Where it receives. */
    public port: u16,
  ) {}

  /** How long `receive` may wait, in ms, before it fails with EAGAIN; 0: for ever, as at first. False on error (EBADF). */
  setTimeout(milliseconds: u32): bool {
    return setSocketTimeout(this.fd, SO_RCVTIMEO, milliseconds) == 0;
  }

  /** Takes the next datagram, waiting for one. Null on error (EAGAIN, EINTR, ECONNREFUSED …). */
  receive(): Datagram | null {
    const from = new sockaddr_in6();
    const start = changetype<usize>(this.buffer);
    const length = recvfrom(this.fd, start, this.buffer.byteLength, 0, from);
    return length < 0 ? null : new Datagram(Uint8Array.wrap(this.buffer.slice(0, length)), from);
  }

  /** Sends `bytes` as one datagram to `address`: `datagram.from` to answer it. False on error (EMSGSIZE, ENETUNREACH …). */
  sendTo(address: sockaddr_in6, bytes: Uint8Array): bool {
    return sendto(this.fd, bytes.dataStart, bytes.length, 0, address) == bytes.length;
  }

  /** Like `sendTo`, with the text as UTF-8. */
  sendTextTo(address: sockaddr_in6, text: string): bool {
    return this.sendTo(address, Uint8Array.wrap(String.UTF8.encode(text)));
  }

  /** Sends `bytes` as one datagram to `port` of `host`, a name or an address. False on error, also what `lookup` says. */
  send(host: string, port: u16, bytes: Uint8Array): bool {
    const addresses = addressesOf(host, port);
    return addresses !== null && addresses.length != 0 && this.sendTo(addresses[0], bytes);
  }

  /** Like `send`, with the text as UTF-8. */
  sendText(host: string, port: u16, text: string): bool {
    return this.send(host, port, Uint8Array.wrap(String.UTF8.encode(text)));
  }

  /** False on error (EBADF: it was closed). */
  close(): bool {
    const fd = this.fd;
    this.fd = -1;
    return closeDescriptor(fd) == 0;
  }
}

/** A socket for datagrams that receives on `port` of all addresses, 0: on one that is free. Null on error (EADDRINUSE, EMFILE …). */
export function udp(port: u16 = 0): UdpSocket | null {
  const fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC);
  if (fd < 0) return null;
  const address = new sockaddr_in6(in6addr_any, port);
  if (bind(fd, address) == 0 && getsockname(fd, address) == 0) return new UdpSocket(fd, address.port);
  const reason = errno;
  closeDescriptor(fd);
  setErrno(reason);
  return null;
}
