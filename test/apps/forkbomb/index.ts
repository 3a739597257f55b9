// Forks as fast as it can, and its descendants do the same, each until so many forks have failed as the first argument says; those of
// the last generation keep their places for a while instead, for places that come free at once would feed the bomb forever.
// The first process waits for all who are left to it, and tells how many there were, and with which errors its forks failed.
import { ENOMEM, EAGAIN, _exit, errno, fork, puts, sched_yield, sleep, waitpid } from "karyon";

/** Children of the first process are of generation 1. */
const LAST_GENERATION: i32 = 3;

let generation = 0;
let born = 0;
let again = 0;
let noMemory = 0;
let otherwise = 0;

function bomb(refusals: i32): void {
  while (again + noMemory + otherwise < refusals) {
    const pid = fork();
    if (pid == 0) {
      generation += 1;
      if (generation == LAST_GENERATION) {
        sleep(1);
        return;
      }
    } else if (pid > 0) born += 1;
    else if (errno == EAGAIN) again += 1;
    else if (errno == ENOMEM) noMemory += 1;
    else otherwise += 1;
    sched_yield();
  }
}

export function main(args: string[]): i32 {
  puts("ready");
  bomb(<i32>parseInt(args[0]));
  if (generation > 0) _exit(0);
  let ended = 0;
  while (waitpid(-1) > 0) ended += 1;
  puts(`bomb over: ${born} born, ${ended} ended, ${again} EAGAIN, ${noMemory} ENOMEM, ${otherwise} otherwise`);
  return 0;
}
