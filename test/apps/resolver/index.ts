// Resolves each of its arguments ("6/" before a name asks for IPv6 addresses) and prints what came of it, a line for each: "www.example: 192.0.2.1:80 192.0.2.2:80", or the
// error's name. Before that it checks what needs no server.
import {
  AF_INET,
  AF_INET6,
  AI_NUMERICHOST,
  AF_UNSPEC,
  AI_PASSIVE,
  EAI_BADFLAGS,
  EAI_FAMILY,
  EAI_NODATA,
  EAI_NONAME,
  EAI_SERVICE,
  EAI_SOCKTYPE,
  IPPROTO_TCP,
  SOCK_DGRAM,
  SOCK_STREAM,
  addrinfo,
  gai_strerror,
  getaddrinfo,
  puts,
  sockaddr_in,
  sockaddr_in6,
} from "karyon";

let failures = 0;

function check(what: string, good: bool): void {
  if (good) return;
  puts(`FAILED ${what}`);
  failures++;
}

function checkLocal(): void {
  const results: addrinfo[] = [];
  check("a name or a service is needed", getaddrinfo(null, null, null, results) == EAI_NONAME);
  check("flags", getaddrinfo("localhost", null, new addrinfo(AF_INET, 0, 0, 1 << 20), results) == EAI_BADFLAGS);
  check("family", getaddrinfo("localhost", null, new addrinfo(1), results) == EAI_FAMILY);
  check("type", getaddrinfo("localhost", null, new addrinfo(AF_INET, 9), results) == EAI_SOCKTYPE);
  const crossed = new addrinfo(AF_INET, SOCK_DGRAM, IPPROTO_TCP);
  check("protocol", getaddrinfo("localhost", null, crossed, results) == EAI_SOCKTYPE);
  for (let i = 0; i < 4; i++) {
    const service = ["", "http", "65536", "-1"][i];
    check(`service "${service}"`, getaddrinfo("localhost", service, null, results) == EAI_SERVICE);
  }
  const numeric = new addrinfo(AF_INET, SOCK_STREAM, 0, AI_NUMERICHOST);
  check("a name is no number", getaddrinfo("localhost", "80", numeric, results) == EAI_NONAME);
  check("a number is", getaddrinfo("192.0.2.7", "80", numeric, results) == 0 && text(results[0]) == "192.0.2.7:80");
  check("one type, one result", results.length == 1 && results[0].ai_protocol == IPPROTO_TCP);
  check("localhost", getaddrinfo("localhost", "80", null, results) == 0 && results.length == 2);
  check("its address", text(results[1]) == "127.0.0.1:80" && results[1].ai_socktype == SOCK_DGRAM);
  const six = new addrinfo(AF_INET6, SOCK_STREAM);
  check("localhost of IPv6", getaddrinfo("localhost", "80", six, results) == 0 && text(results[0]) == "[::1]:80");
  check("a number of IPv6", getaddrinfo("fd00::1", "80", six, results) == 0 && text(results[0]) == "[fd00::1]:80");
  check("the other family's number", getaddrinfo("192.0.2.7", "80", six, results) == EAI_NODATA);
  const passive = new addrinfo(AF_INET, SOCK_STREAM, 0, AI_PASSIVE);
  check("a server's address", getaddrinfo(null, "80", passive, results) == 0 && text(results[0]) == "0.0.0.0:80");
  passive.ai_family = AF_UNSPEC;
  check("of both families", getaddrinfo(null, "80", passive, results) == 0 && results.length == 2);
  check("is any", text(results[0]) == "[::]:80" && text(results[1]) == "0.0.0.0:80");
}

function text(result: addrinfo): string {
  const address = result.ai_addr!;
  if (result.ai_family == AF_INET6) return changetype<sockaddr_in6>(address).toString();
  return changetype<sockaddr_in>(address).toString();
}

function resolve(name: string): void {
  const results: addrinfo[] = [];
  const isLong = name.startsWith("6/");
  const hints = new addrinfo(isLong ? AF_INET6 : AF_UNSPEC, SOCK_STREAM);
  const code = getaddrinfo(isLong ? name.slice(2) : name, "80", hints, results);
  let line = `${name}:`;
  if (code != 0) line += ` ${gai_strerror(code)}`;
  for (let i = 0; i < results.length; i++) line += ` ${text(results[i])}`;
  puts(line);
}

export function main(args: string[]): i32 {
  checkLocal();
  for (let i = 0; i < args.length; i++) resolve(args[i]);
  puts(failures == 0 ? "resolver: all done" : `resolver: ${failures} failed`);
  return failures == 0 ? 0 : 1;
}
