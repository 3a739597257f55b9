// Every system call, tried from inside: one "ok" line for each thing that holds. With the argument "echo" it says what is
// typed on the console, with "overflow" a thread runs over its shadow stack.
import { POLLIN, PollSet, SIGPIPE, SIG_IGN, puts, read, signal, stdin } from "karyon";
import { failureCount } from "./check";
import { collectorChecks } from "./collector";
import { descriptorChecks } from "./descriptors";
import { fileChecks } from "./files";
import { pipeChecks } from "./pipes";
import { processChecks } from "./process";
import { socketChecks } from "./sockets";
import { socket6Checks } from "./sockets6";
import { shadowOverflow, threadChecks } from "./threads";
import { tmpfsChecks } from "./tmpfs";
import { waitingChecks } from "./waiting";

/** Reads lines from the console until one is "end". */
function echo(): i32 {
  const buffer = new ArrayBuffer(256);
  const ready = new PollSet();
  ready.add(stdin, POLLIN);
  puts("type");
  let line = "";
  while (line != "end\n") {
    if (ready.wait(-1) != 1) return 1;
    const length = read(stdin, changetype<usize>(buffer), buffer.byteLength);
    if (length <= 0) return 1;
    line += String.UTF8.decodeUnsafe(changetype<usize>(buffer), length);
    if (!line.endsWith("\n") || line == "end\n") continue;
    puts(`typed: ${line.trimEnd()}`);
    line = "";
  }
  return 0;
}

export function main(args: string[]): i32 {
  signal(SIGPIPE, SIG_IGN); // who has gone is told by EPIPE
  if (args.length == 1 && args[0] == "echo") return echo();
  if (args.length == 1 && args[0] == "overflow") shadowOverflow();
  processChecks(args);
  fileChecks();
  tmpfsChecks();
  descriptorChecks();
  pipeChecks();
  threadChecks();
  collectorChecks();
  socketChecks();
  socket6Checks();
  waitingChecks();
  puts(failureCount() == 0 ? "posix: all passed" : `posix: ${failureCount()} failed`);
  return failureCount() == 0 ? 0 : 1;
}
