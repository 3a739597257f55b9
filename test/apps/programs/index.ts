// The supervisor: looks at the programs of its image, starts them in all ways and waits for their codes (test/lab/programs.test.ts).
import { execv, getppid, puts } from "karyon";
import { check, failureCount } from "./check";
import { refusals } from "./refusals";
import { spawning } from "./spawning";
import { state } from "./state";
import { files } from "./files";

export function main(words: string[]): i32 {
  if (words[0] == "execute") {
    execv("/bin/" + words[1], words.slice(1));
    return 1;
  }
  check("the arguments are those of the command line", words.length == 2 && words[1] == "with a blank");
  files();
  refusals();
  if (words[0] != "alone") {
    spawning();
    state();
  }
  check("the process is its family's first", getppid() == 0);
  puts(failureCount() == 0 ? "programs: all passed" : `programs: ${failureCount()} failed`);
  return failureCount();
}
