// Resolves each of its arguments and prints what came of it, a line for each: "www.example: 192.0.2.1:80 192.0.2.2:80", or the
// error's name. Before that it checks what needs no server.
import {
  AF_INET,
  AF_INET6,
  AI_NUMERICHOST,
  AI_PASSIVE,
  EAI_BADFLAGS,
  EAI_FAMILY,
  EAI_NONAME,
  EAI_SERVICE,
  EAI_SOCKTYPE,
  INADDR_ANY,
  INADDR_LOOPBACK,
  IPPROTO_TCP,
  SOCK_DGRAM,
  SOCK_STREAM,
  addrinfo,
  gai_strerror,
  getaddrinfo,
  ntohl,
  puts,
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
  check(
    "a number is",
    getaddrinfo("192.0.2.7", "80", numeric, results) == 0 && results[0].ai_addr!.toString() == "192.0.2.7:80",
  );
  check("one type, one result", results.length == 1 && results[0].ai_protocol == IPPROTO_TCP);
  check("localhost", getaddrinfo("localhost", "80", null, results) == 0 && results.length == 2);
  check("its address", ntohl(results[1].ai_addr!.sin_addr) == INADDR_LOOPBACK && results[1].ai_socktype == SOCK_DGRAM);
  const passive = new addrinfo(AF_INET, SOCK_STREAM, 0, AI_PASSIVE);
  check("a server's address", getaddrinfo(null, "80", passive, results) == 0);
  check("is any", ntohl(results[0].ai_addr!.sin_addr) == INADDR_ANY);
  check("family is known", AF_INET6 == 10);
}

function resolve(name: string): void {
  const results: addrinfo[] = [];
  const code = getaddrinfo(name, "80", new addrinfo(AF_INET, SOCK_STREAM), results);
  let line = `${name}:`;
  if (code != 0) line += ` ${gai_strerror(code)}`;
  for (let i = 0; i < results.length; i++) line += ` ${results[i].ai_addr!.toString()}`;
  puts(line);
}

export function main(args: string[]): i32 {
  checkLocal();
  for (let i = 0; i < args.length; i++) resolve(args[i]);
  puts(failures == 0 ? "resolver: all done" : `resolver: ${failures} failed`);
  return failures == 0 ? 0 : 1;
}
