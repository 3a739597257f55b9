// Both ends of "karyon/net" and "karyon/http": with the argument "serve" the servers, else the client that tries them out at the address that it is given.
import { puts, sleep } from "karyon";
import { tryNetwork } from "./client";
import { failureCount } from "./check";
import { tryRequests } from "./requests";
import { serveAll } from "./servers";

export function main(args: string[]): i32 {
  if (args[0] == "serve") return serveAll();
  sleep(3); // until the addresses are our own
  tryNetwork(args[0]);
  tryRequests(args[0]);
  puts(`${failureCount()} failures`);
  return failureCount() == 0 ? 0 : 1;
}
