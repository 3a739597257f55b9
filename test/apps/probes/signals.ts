// A signal that a process sends itself and catches, as lmbench's lat_sig has it.
import { SIGUSR1, SIG_DFL, getpid, kill, signal } from "karyon";

let caught = 0;

function onSignal(_signal: i32): void {
  caught++;
}

export function catches(count: i32): bool {
  signal(SIGUSR1, onSignal);
  const self = getpid();
  caught = 0;
  for (let i = 0; i < count; i++) {
    if (kill(self, SIGUSR1) != 0) return false;
  }
  signal(SIGUSR1, SIG_DFL);
  return caught == count;
}
