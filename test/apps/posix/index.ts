// Every system call, tried from inside: one "ok" line for each thing that holds.
import { puts } from "karyon";
import { failureCount } from "./check";
import { collectorChecks } from "./collector";
import { descriptorChecks } from "./descriptors";
import { fileChecks } from "./files";
import { processChecks } from "./process";
import { socketChecks } from "./sockets";
import { threadChecks } from "./threads";
import { waitingChecks } from "./waiting";

export function main(args: string[]): i32 {
  processChecks(args);
  fileChecks();
  descriptorChecks();
  threadChecks();
  collectorChecks();
  socketChecks();
  waitingChecks();
  puts(failureCount() == 0 ? "posix: all passed" : `posix: ${failureCount()} failed`);
  return failureCount() == 0 ? 0 : 1;
}
