// Addresses of both families in the one form that sockets of AF_INET6 have: IPv4 mapped (RFC 4291 section 2.5.5.2).
import { AF_INET } from "../../../posix/constants";
import { sockaddr_in } from "../../inet";
import { in6_addr, sockaddr_in6 } from "../../inet6";
import { sockaddr } from "../../sockaddr";

const MAPPED_TEXT = "::ffff:";

/** The same address for a socket of AF_INET6. */
export function forBothFamilies(address: sockaddr): sockaddr_in6 {
  if (<i32>address.sa_family != AF_INET) return changetype<sockaddr_in6>(address);
  const short = changetype<sockaddr_in>(address);
  const long = new in6_addr();
  store<u16>(changetype<usize>(long), 0xffff, 10);
  store<u32>(changetype<usize>(long), short.sin_addr, 12);
  return new sockaddr_in6(long, short.port);
}

/** The address as text, an IPv4 one as "10.0.2.2". */
export function hostText(address: sockaddr_in6): string {
  const text = address.host;
  return address.sin6_addr.isMapped ? text.substring(MAPPED_TEXT.length) : text;
}
