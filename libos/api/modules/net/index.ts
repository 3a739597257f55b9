// What an app imports as "karyon/net": servers and clients of TCP and UDP in few lines, over IPv4 and IPv6 alike. A call that fails returns null, false or
// -1, as its type has it, and errno says why; one that succeeds leaves errno alone. A peer that has gone is an error of a call, never SIGPIPE.
export * from "./connect";
export * from "./connection";
export * from "./lookup";
export * from "./serve";
export * from "./server";
export * from "./udp";
