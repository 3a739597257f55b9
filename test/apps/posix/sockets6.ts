// IPv6 and sockets of both families, over the loopback.
import {
  AF_INET,
  AF_INET6,
  EADDRINUSE,
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  EINVAL,
  ENETUNREACH,
  INADDR_ANY,
  INADDR_LOOPBACK,
  IPPROTO_IPV6,
  IPV6_UNICAST_HOPS,
  IPV6_V6ONLY,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
  SO_DOMAIN,
  accept,
  bind,
  close,
  connect,
  getSocketOption,
  getpeername,
  getsockname,
  in6_addr,
  in6addr_any,
  in6addr_loopback,
  inet_ntop,
  inet_pton,
  listen,
  recv,
  recvfrom,
  sendto,
  setSocketOption,
  sockaddr_in,
  sockaddr_in6,
  socket,
  write,
} from "karyon";
import { check, checkError } from "./check";

function textChecks(): void {
  const bytes = changetype<usize>(new StaticArray<u8>(16));
  check("inet_pton", inet_pton(AF_INET6, "fe80::1:ff00:42", bytes) == 1 && load<u8>(bytes) == 0xfe);
  check("inet_ntop", inet_ntop(AF_INET6, bytes)! == "fe80::1:ff00:42");
  check("inet_pton of no address", inet_pton(AF_INET6, "fe80::1::2", bytes) == 0);
  inet_pton(AF_INET6, "1:0:0:2:0:0:0:3", bytes);
  check("the longest run of zeros is left out", inet_ntop(AF_INET6, bytes)! == "1:0:0:2::3");
  check("sockaddr_in6 as text", new sockaddr_in6(in6addr_loopback, 80).toString() == "[::1]:80");
  check("no address", in6_addr.from("1:2") === null);
}

/** What the peer of `fd`, a new connection to `server`, looks like on both ends. */
function connectionChecks(name: string, server: i32, fd: i32, text: string): void {
  const from = new sockaddr_in6();
  const taken = accept(server, from);
  check(name + ": accept", taken >= 0 && from.host == text);
  const own = new sockaddr_in6();
  const peer = new sockaddr_in6();
  check(name + ": getsockname", getsockname(taken, own) == 0 && own.host == text);
  check(name + ": getpeername", getpeername(taken, peer) == 0 && peer.port == from.port && peer.host == text);
  const byte = changetype<usize>(new StaticArray<u8>(4));
  check(name + ": bytes", write(fd, byte, 3) == 3 && recv(taken, byte, 4) == 3);
  close(taken);
  close(fd);
}

function streamChecks(): void {
  const server = socket(AF_INET6, SOCK_STREAM);
  check("SO_DOMAIN", getSocketOption(server, SOL_SOCKET, SO_DOMAIN) == AF_INET6);
  check("IPV6_V6ONLY is off", getSocketOption(server, IPPROTO_IPV6, IPV6_V6ONLY) == 0);
  check("IPV6_UNICAST_HOPS", getSocketOption(server, IPPROTO_IPV6, IPV6_UNICAST_HOPS) == 64);
  checkError("bind to an address of IPv4", bind(server, new sockaddr_in(INADDR_ANY, 0)), EAFNOSUPPORT);
  const foreign = new sockaddr_in6(in6_addr.from("2001:db8::1")!, 0);
  checkError("bind to another host's address", bind(server, foreign), EADDRNOTAVAIL);
  check("listen on both families", bind(server, new sockaddr_in6(in6addr_any, 0)) == 0 && listen(server, 4) == 0);
  checkError("IPV6_V6ONLY after bind", setSocketOption(server, IPPROTO_IPV6, IPV6_V6ONLY, 1), EINVAL);
  const bound = new sockaddr_in6();
  check("getsockname of a listener", getsockname(server, bound) == 0 && bound.port != 0 && bound.host == "::");

  const six = socket(AF_INET6, SOCK_STREAM);
  check("connect to ::1", connect(six, new sockaddr_in6(in6addr_loopback, bound.port)) == 0);
  connectionChecks("IPv6", server, six, "::1");
  const any = socket(AF_INET6, SOCK_STREAM);
  check("connect to ::", connect(any, new sockaddr_in6(in6addr_any, bound.port)) == 0);
  connectionChecks("any", server, any, "::1");
  const four = socket(AF_INET, SOCK_STREAM);
  check("connect to 127.0.0.1", connect(four, new sockaddr_in(INADDR_LOOPBACK, bound.port)) == 0);
  connectionChecks("IPv4", server, four, "::ffff:127.0.0.1");
  const narrow = new sockaddr_in();
  const other = socket(AF_INET6, SOCK_STREAM);
  connect(other, new sockaddr_in6(in6addr_loopback, bound.port));
  check("an address without room is none", accept(server, narrow) >= 0 && narrow.sa_family == 0);
  close(other);
  close(server);
}

function only6Checks(): void {
  const server = socket(AF_INET6, SOCK_STREAM);
  check("IPV6_V6ONLY", setSocketOption(server, IPPROTO_IPV6, IPV6_V6ONLY, 1) == 0);
  check("is kept", getSocketOption(server, IPPROTO_IPV6, IPV6_V6ONLY) == 1);
  const address = new sockaddr_in6(in6addr_any, 4100);
  check("listen on one family", bind(server, address) == 0 && listen(server, 4) == 0);
  const four = socket(AF_INET, SOCK_STREAM);
  check("the other may have the port", bind(four, new sockaddr_in(INADDR_ANY, 4100)) == 0);
  const both = socket(AF_INET6, SOCK_STREAM);
  checkError("but nobody both", bind(both, address), EADDRINUSE);
  const mapped = socket(AF_INET6, SOCK_STREAM);
  setSocketOption(mapped, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  const target = new sockaddr_in6(in6addr_any, 4100);
  store<u16>(changetype<usize>(target) + 18, 0xffff);
  checkError("connect to a mapped address", connect(mapped, target), ENETUNREACH);
  close(server);
  close(four);
  close(both);
  close(mapped);
}

function datagramChecks(): void {
  const one = socket(AF_INET6, SOCK_DGRAM);
  const two = socket(AF_INET6, SOCK_DGRAM);
  const four = socket(AF_INET, SOCK_DGRAM);
  const buffer = changetype<usize>(new StaticArray<u8>(64));
  const from = new sockaddr_in6();
  check("bind a datagram socket to ::", bind(one, new sockaddr_in6(in6addr_any, 4101)) == 0);
  check("sendto ::1", sendto(two, buffer, 5, 0, new sockaddr_in6(in6addr_loopback, 4101)) == 5);
  check("recvfrom ::1", recvfrom(one, buffer, 64, 0, from) == 5 && from.host == "::1");
  check("sendto 127.0.0.1", sendto(four, buffer, 6, 0, new sockaddr_in(INADDR_LOOPBACK, 4101)) == 6);
  check("recvfrom 127.0.0.1", recvfrom(one, buffer, 64, 0, from) == 6 && from.host == "::ffff:127.0.0.1");
  check("answer to it", sendto(one, buffer, 7, 0, from) == 7 && recv(four, buffer, 64) == 7);
  close(one);
  close(two);
  close(four);
}

export function socket6Checks(): void {
  textChecks();
  streamChecks();
  only6Checks();
  datagramChecks();
}
