// A shell of few words: does what is behind "-c", which is "exit <status>", "say <text>", "copy" or "signals".
import {
  SIGCHLD,
  SIGINT,
  SIGQUIT,
  SIG_BLOCK,
  SIG_DFL,
  SIG_IGN,
  fputs,
  readBytes,
  signal,
  sigismember,
  sigprocmask,
  sigset_t,
  stdout,
} from "karyon";

/** What it has begun with: 1 for SIGINT ignored, 2 for SIGQUIT, 4 for SIGCHLD held up. */
function signals(): i32 {
  const mask = new sigset_t();
  sigprocmask(SIG_BLOCK, null, mask);
  const interrupt = signal(SIGINT, SIG_DFL);
  const quit = signal(SIGQUIT, SIG_DFL);
  return (
    (interrupt !== null && interrupt.index == SIG_IGN.index ? 1 : 0) |
    (quit !== null && quit.index == SIG_IGN.index ? 2 : 0) |
    (sigismember(mask, SIGCHLD) == 1 ? 4 : 0)
  );
}

/** Counts what it gets, as its status. */
function copy(): i32 {
  const buffer = new Uint8Array(64);
  let total = 0;
  for (let length = readBytes(0, buffer); length > 0; length = readBytes(0, buffer)) total += length;
  return total;
}

export function main(words: string[]): i32 {
  if (words.length != 2 || words[0] != "-c") return 126;
  const command = words[1].split(" ");
  if (command[0] == "exit") return I32.parseInt(command[1]);
  if (command[0] == "say") return fputs(words[1].substring(4), stdout);
  if (command[0] == "copy") return copy();
  return command[0] == "signals" ? signals() : 127;
}
