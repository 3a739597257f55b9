// Forks when it is told to, for test/lab/forkd.test.ts: prints "ready" and waits for a line on its console. Then
// "stay <n>": n children that stay until someone ends them; "rounds <n>": one after the other, each ending at once;
// "insist <n>": like rounds, but a fork that fails is tried again until n children have come and gone.
import {
  WEXITSTATUS,
  WIFEXITED,
  WTERMSIG,
  _exit,
  errno,
  fork,
  getpid,
  getppid,
  nanosleep,
  puts,
  read,
  sleep,
  timespec,
  waitpid,
} from "karyon";

const LONG = 1000; // seconds; the tests end children earlier
const line = memory.data(64);
const statusWord = memory.data(4, 4);

function born(): void {
  puts(`child ${getpid()} of ${getppid()}`);
}

function awaitOne(): bool {
  const pid = waitpid(-1, statusWord);
  if (pid < 0) return false;
  const status = load<i32>(statusWord);
  const how = WIFEXITED(status) ? `status ${WEXITSTATUS(status)}` : `signal ${WTERMSIG(status)}`;
  puts(`ended ${pid} ${how}`);
  return true;
}

function stay(count: i32): void {
  for (let i = 0; i < count; i++) {
    const pid = fork();
    if (pid == 0) {
      born();
      sleep(LONG);
      _exit(0);
    }
    puts(pid > 0 ? `forked ${pid}` : `fork failed: ${errno}`);
  }
  while (awaitOne()) continue;
  puts("no children left");
  sleep(LONG);
}

function rounds(count: i32): void {
  let done = 0;
  for (let i = 0; i < count; i++) {
    const pid = fork();
    if (pid == 0) {
      born();
      _exit(0);
    }
    if (pid > 0 && waitpid(pid, statusWord) == pid && load<i32>(statusWord) == 0) done += 1;
    else puts(`round ${i} failed: ${errno}`);
  }
  puts(`rounds done: ${done}`);
  sleep(LONG);
}

function insist(count: i32): void {
  const pause = new timespec();
  pause.tv_nsec = 50000000;
  let last = 0;
  for (let done = 0; done < count;) {
    const pid = fork();
    if (pid == 0) {
      born();
      _exit(7);
    }
    const error = pid < 0 ? errno : 0;
    if (error != last) puts(error != 0 ? `fork fails: ${error}` : "fork works");
    last = error;
    if (pid < 0) nanosleep(pause);
    else if (awaitOne()) done += 1;
    else puts(`no child: ${errno}`);
  }
  puts(`children come and gone: ${count}`);
  while (awaitOne()) continue;
  sleep(LONG);
}

export function main(args: string[]): i32 {
  puts("ready");
  read(0, line, 64);
  const count = <i32>parseInt(args[1]);
  if (args[0] == "stay") stay(count);
  else if (args[0] == "insist") insist(count);
  else rounds(count);
  return 0;
}
