// Process 1 of the architecture prefork: opens the listener, forks the workers, never accepts. It keeps as many workers as the policy
// wants, replaces those that end – however they end –, restarts them all on SIGHUP or SIGUSR1, and ends them on SIGTERM.
import { SIGCHLD, SIGHUP, SIGTERM, SIGUSR1, kill, signal } from "karyon";
import { monotonicTime, updateClock } from "../clock";
import { openListener } from "../listener";
import { options } from "../options";
import { board, crewEnd, crewDismiss, crewEndedWell, crewFork, crewHear, crewOpen, crewReap, crewSay, crewWait } from "./crew"; // prettier-ignore
import { Policy } from "./policy";
import { work } from "./worker";

/** Milliseconds between two looks at how many workers are idle. */
const LOOK_INTERVAL: u64 = 1000;

const policy = new Policy(board);
let listener: i32 = -1;
let restartWanted: bool = false;
let endWanted: bool = false;

/** Keeps workers until SIGTERM. Returns an exit status; -1 with errno when it cannot begin. In a worker: its exit status. */
export function supervise(): i32 {
  listener = openListener(<u16>options.port, 0);
  if (listener < 0 || crewOpen() < 0) return -1;
  signal(SIGHUP, (_: i32) => {
    restartWanted = true;
  });
  signal(SIGUSR1, (_: i32) => {
    restartWanted = true;
  });
  signal(SIGTERM, (_: i32) => {
    endWanted = true;
  });
  signal(SIGCHLD, (_: i32) => {}); // it only ends the wait
  let looksAt = updateClock() + LOOK_INTERVAL;
  while (!endWanted) {
    crewHear();
    bury();
    if (restartWanted) restart();
    const looks = monotonicTime() >= looksAt;
    if (looks) looksAt = monotonicTime() + LOOK_INTERVAL;
    dismiss(looks);
    if (start(looks)) return work(listener);
    const now = updateClock();
    crewWait(looksAt > now ? <i32>(looksAt - now) : 0);
    updateClock();
  }
  crewDismiss();
  return 0;
}

/** Starts as many as the policy wants. True in a worker. */
function start(looks: bool): bool {
  let wanted = policy.toStart(monotonicTime(), looks);
  while (wanted-- > 0 && !endWanted) {
    const pid = crewFork();
    if (pid == 0) return true;
    if (pid < 0) {
      policy.failed(updateClock());
      return false;
    }
    // Forks take their time, and the workers that are there already need no others to be waited for.
    crewHear();
    dismiss(false);
  }
  return false;
}

/** Tells those to end that the policy wants to end. */
function dismiss(looks: bool): void {
  while (true) {
    const worker = policy.toDismiss(looks);
    if (worker === null) return;
    worker.dismissed = true;
    kill(worker.pid, SIGUSR1);
    if (board.count(false) == 0) return;
  }
}

/** Waits for those that have ended. */
function bury(): void {
  while (true) {
    const worker = crewReap();
    if (worker === null) return;
    const now = updateClock();
    const well = crewEndedWell();
    policy.ended(worker, well, now);
    if (well) continue;
    const delay = policy.delay(now);
    const next = delay == 0 ? "" : `; the next one starts in ${delay} ms`;
    crewSay(`worker ${worker.pid} ${crewEnd()} after ${worker.requests} requests${next}`);
  }
}

function restart(): void {
  restartWanted = false;
  policy.restart();
  crewSay(`restart: generation ${board.generation}`);
}
