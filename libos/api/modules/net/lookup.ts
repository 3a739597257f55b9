// From the name of a host to its addresses.
import { EINVAL, ENOENT } from "../../../../kernel/errno";
import { AF_UNSPEC, SOCK_STREAM } from "../../../posix/constants";
import { errno, setErrno } from "../../errno";
import { sockaddr_in6 } from "../../inet6";
import { EAI_FAMILY, EAI_NODATA, addrinfo, getaddrinfo } from "../../netdb";
import { forBothFamilies, hostText } from "./address";

/** The addresses of `host`, a name or an address as text, best first; null on error. For this folder. */
export function addressesOf(host: string, port: u16): sockaddr_in6[] | null {
  const found: addrinfo[] = [];
  const before = errno;
  setErrno(0);
  const error = getaddrinfo(host, port.toString(), new addrinfo(AF_UNSPEC, SOCK_STREAM), found);
  // What the resolver has not told by errno is that the text is no name.
  if (error != 0 && errno == 0) setErrno(error == EAI_NODATA || error == EAI_FAMILY ? ENOENT : EINVAL);
  if (error != 0) return null;
  setErrno(before);
  const addresses: sockaddr_in6[] = [];
  for (let i = 0; i < found.length; i++) {
    const address = found[i].ai_addr;
    if (address !== null) addresses.push(forBothFamilies(address));
  }
  return addresses;
}

/**
 * The addresses of the host `name` as texts, in the order in which they should be tried. Null on error: ENOENT (there is no such name), ENODATA (it has no addresses), EAGAIN
 * and ETIMEDOUT (nobody knows now), EINVAL (no name).
 */
export function lookup(name: string): string[] | null {
  const addresses = addressesOf(name, 0);
  return addresses === null ? null : addresses.map<string>((address) => hostText(address));
}
