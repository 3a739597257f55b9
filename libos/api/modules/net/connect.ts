// Opening a connection.
import { EINPROGRESS, ENOENT, ETIMEDOUT } from "../../../../kernel/errno";
import { AF_INET6, SOCK_CLOEXEC, SOCK_STREAM, SO_SNDTIMEO } from "../../../posix/constants";
import { errno, setErrno } from "../../errno";
import { sockaddr_in6 } from "../../inet6";
import { connect as cConnect, setSocketTimeout, socket } from "../../socket";
import { close } from "../../unistd";
import { Connection } from "./connection";
import { addressesOf } from "./lookup";

/** What a name's addresses get by default each, in ms. */
const PATIENCE: u32 = 10_000;

function connectTo(address: sockaddr_in6, milliseconds: u32): Connection | null {
  const fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC);
  if (fd < 0) return null;
  setSocketTimeout(fd, SO_SNDTIMEO, milliseconds);
  if (cConnect(fd, address) == 0) {
    setSocketTimeout(fd, SO_SNDTIMEO, 0);
    return new Connection(fd, address);
  }
  const reason = errno;
  close(fd);
  setErrno(reason == EINPROGRESS ? ETIMEDOUT : reason);
  return null;
}

/**
 * Connects to `port` of `host`, a name or an address as text; of several addresses one after the other is tried, each for `milliseconds`. Null on error: that of the last address
 * (ECONNREFUSED, ETIMEDOUT, ENETUNREACH, EHOSTUNREACH …), or what `lookup` says.
 */
export function connect(host: string, port: u16, milliseconds: u32 = PATIENCE): Connection | null {
  const addresses = addressesOf(host, port);
  if (addresses === null) return null;
  const before = errno;
  setErrno(ENOENT);
  for (let i = 0; i < addresses.length; i++) {
    const connection = connectTo(addresses[i], milliseconds);
    if (connection === null) continue;
    setErrno(before);
    return connection;
  }
  return null;
}
