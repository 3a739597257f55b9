// What families of processes must do, for test/lab/family.test.ts. Arguments name cases: "deep", or "wide=20" with how
// many. Each case runs in the first process and says how long it took; a failed check of any member is a line "FAILED …".
import { CLOCK_MONOTONIC, SIGPIPE, SIG_IGN, clockNanoseconds, puts, signal } from "karyon";
import { busy } from "./busy";
import { failureCount } from "./check";
import { files, output, random, time } from "./identity";
import { bothWrite, childWrites, growth, parentWrites, values } from "./memory";
import { orders } from "./orders";
import { stay, traffic, wake } from "./server";
import { stale } from "./stale";
import { deep, orphaned, rounds, wide } from "./tree";
import {
  copyout,
  exitrace,
  exitwait,
  forkfork,
  forkforkfork,
  forktest,
  mem,
  reparent,
  reparent2,
  stacktest,
  twochildren,
} from "./xv6";

const cases = new Map<string, (count: i32) => void>();
cases.set("values", values);
cases.set("bothWrite", bothWrite);
cases.set("childWrites", childWrites);
cases.set("parentWrites", parentWrites);
cases.set("growth", growth);
cases.set("deep", deep);
cases.set("orphaned", orphaned);
cases.set("wide", wide);
cases.set("rounds", rounds);
cases.set("busy", busy);
cases.set("time", time);
cases.set("random", random);
cases.set("files", files);
cases.set("output", output);
cases.set("traffic", traffic);
cases.set("stay", stay);
cases.set("wake", wake);
cases.set("stale", stale);
cases.set("orders", orders);
cases.set("forktest", forktest);
cases.set("exitwait", exitwait);
cases.set("twochildren", twochildren);
cases.set("forkfork", forkfork);
cases.set("forkforkfork", forkforkfork);
cases.set("reparent", reparent);
cases.set("reparent2", reparent2);
cases.set("mem", mem);
cases.set("copyout", copyout);
cases.set("stacktest", stacktest);
cases.set("exitrace", exitrace);

function runCase(argument: string): void {
  const parts = argument.split("=");
  const name = parts[0];
  if (!cases.has(name)) {
    puts(`FAILED 1: there is no case ${name}`);
    return;
  }
  const start = clockNanoseconds(CLOCK_MONOTONIC);
  const before = failureCount();
  cases.get(name)(parts.length > 1 ? <i32>parseInt(parts[1]) : 1);
  const ms = (clockNanoseconds(CLOCK_MONOTONIC) - start) / 1_000_000;
  puts(`case ${name} ${failureCount() == before ? "passed" : "did not pass"} in ${ms} ms`);
}

export function main(args: string[]): i32 {
  signal(SIGPIPE, SIG_IGN); // who has gone is told by EPIPE
  for (let i = 0; i < args.length; i++) runCase(args[i]);
  puts(failureCount() == 0 ? "family: all passed" : `family: ${failureCount()} failed`);
  return failureCount() == 0 ? 0 : 1;
}
