// Forks as fast as it can, and its children do the same, each until so many forks have failed as the first argument says.
// Then the first process waits for its children and tells how many there were, and with which errors forks failed.
import { ENOMEM, EAGAIN, _exit, errno, fork, puts, sched_yield, waitpid } from "karyon";

let isFirst = true;
let born = 0;
let again = 0;
let noMemory = 0;
let otherwise = 0;

function bomb(refusals: i32): void {
  while (again + noMemory + otherwise < refusals) {
    const pid = fork();
    if (pid == 0) isFirst = false;
    else if (pid > 0) born += 1;
    else if (errno == EAGAIN) again += 1;
    else if (errno == ENOMEM) noMemory += 1;
    else otherwise += 1;
    sched_yield();
  }
}

export function main(args: string[]): i32 {
  puts("ready");
  bomb(<i32>parseInt(args[0]));
  if (!isFirst) _exit(0);
  let ended = 0;
  while (waitpid(-1) > 0) ended += 1;
  puts(`bomb over: ${born} born, ${ended} ended, ${again} EAGAIN, ${noMemory} ENOMEM, ${otherwise} otherwise`);
  return 0;
}
