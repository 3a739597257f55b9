// An appliance that tries out "karyon/fs" and "karyon/process", and reports each thing it finds.
import { puts } from "karyon";
import { exit, onExit } from "karyon/process";
import { failureCount } from "./check";
import { fileChecks } from "./files";
import { processChecks } from "./self";

export function main(args: string[]): i32 {
  fileChecks();
  processChecks(args);
  onExit(() => {
    puts("the end");
  });
  puts(`${failureCount()} failures`);
  exit(failureCount() == 0 ? 0 : 1);
  return 1;
}
