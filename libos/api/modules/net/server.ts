// A listening socket of TCP, for both families.
import { AF_INET6, SOCK_CLOEXEC, SOCK_STREAM, SOL_SOCKET, SOMAXCONN, SO_REUSEADDR } from "../../../posix/constants";
import { errno, setErrno } from "../../errno";
import { setNonBlocking } from "../../fcntl";
import { in6addr_any, sockaddr_in6 } from "../../inet6";
import { accept4, bind, getsockname, listen as cListen, setSocketOption, socket } from "../../socket";
import { close as closeDescriptor } from "../../unistd";
import { Connection } from "./connection";

/** What listens on a port. */
@final
export class Server {
  constructor(
    /** Its descriptor, for poll and the other calls of "karyon"; -1 once it is closed. */
    public fd: i32,
    /** Where it listens. */
    public port: u16,
  ) {}

  /** Takes the next connection, waiting for one. Null on error (EMFILE, ENFILE, EINTR: a handler has run; EAGAIN: none is there and `setNonBlocking` was called). */
  accept(): Connection | null {
    const peer = new sockaddr_in6();
    const fd = accept4(this.fd, peer, SOCK_CLOEXEC);
    return fd < 0 ? null : new Connection(fd, peer);
  }

  /** Whether `accept` fails with EAGAIN when there is no connection, instead of waiting. False on error (EBADF). */
  setNonBlocking(on: bool = true): bool {
    return setNonBlocking(this.fd, on) == 0;
  }

  /** Listens no more; those that were accepted stay. False on error (EBADF: it was closed). */
  close(): bool {
    const fd = this.fd;
    this.fd = -1;
    return closeDescriptor(fd) == 0;
  }
}

/** Listens on `port` of all addresses, 0: on one that is free; up to `backlog` connections wait for `accept`. Null on error (EADDRINUSE, EMFILE …). */
export function listen(port: u16, backlog: i32 = SOMAXCONN): Server | null {
  const fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC);
  if (fd < 0) return null;
  const address = new sockaddr_in6(in6addr_any, port);
  setSocketOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (bind(fd, address) == 0 && cListen(fd, backlog) == 0 && getsockname(fd, address) == 0) {
    return new Server(fd, address.port);
  }
  const reason = errno;
  closeDescriptor(fd);
  setErrno(reason);
  return null;
}
