// What the supervisor starts: does what its first argument says, and ends with the status that says how it went.
import {
  EBADF,
  F_GETFD,
  SIG_DFL,
  SIG_IGN,
  SIGUSR1,
  SIGUSR2,
  _exit,
  atexit,
  environ,
  errno,
  exit,
  fcntl,
  fork,
  getenv,
  getpid,
  kill,
  program_invocation_name,
  pthread_create,
  pthread_exit,
  puts,
  readBytes,
  setenv,
  signal,
  unsetenv,
  waitpid,
  writeText,
} from "karyon";

function last(): void {
  puts("exit handler, told first");
}

function first(): void {
  puts("exit handler, told last");
}

function leaves(): void {
  exit(43);
}

function copy(): i32 {
  const buffer = new Uint8Array(64);
  let total = 0;
  for (let length = readBytes(0, buffer); length > 0; length = readBytes(0, buffer)) {
    total += length;
    writeText(1, String.UTF8.decode(buffer.buffer.slice(0, length)).toUpperCase());
  }
  return total;
}

function thread(_argument: i32): i32 {
  return 0;
}

/** 1 for each of: SIGUSR1 is ignored still (1), SIGUSR2 has its default effect (2). */
function signalBits(): i32 {
  const ignored = signal(SIGUSR1, SIG_DFL);
  const caught = signal(SIGUSR2, SIG_DFL);
  let bits = 0;
  if (ignored !== null && ignored.index == SIG_IGN.index) bits |= 1;
  if (caught !== null && caught.index == SIG_DFL.index) bits |= 2;
  return bits;
}

export function main(words: string[]): i32 {
  const what = words.length == 0 ? "" : words[0];
  if (what == "status") exit(<i32>parseInt(words[1]));
  if (what == "returns") return <i32>parseInt(words[1]);
  if (what == "name") return program_invocation_name() == words[1] ? 0 : 1;
  if (what == "words") return words.length == 4 && words[1] == "" && words[2] == "a b" && words[3] == "ä€𝄞" ? 0 : 1;
  if (what == "copy") return copy();
  if (what == "signals") return signalBits();
  if (what == "killed") {
    kill(getpid(), SIGUSR1);
    return 1;
  }
  if (what == "closed") {
    const fd = <i32>parseInt(words[1]);
    return fcntl(fd, F_GETFD) == -1 && errno == EBADF ? 0 : 1;
  }
  if (what == "environment") {
    const all = environ();
    if (all.length != 2 || all[0] != "A=1" || all[1] != "B=x=y") return 1;
    if (setenv("C", "new") != 0 || setenv("A", "2", false) != 0 || unsetenv("B") != 0) return 2;
    const c = getenv("C");
    return environ().length == 2 && c !== null && c == "new" && environ()[0] == "A=1" ? 0 : 3;
  }
  if (what == "handlers") {
    atexit(last);
    if (words[1] == "again") atexit(leaves);
    atexit(first);
    if (words[1] == "exit") exit(41);
    if (words[1] == "_exit") _exit(42);
    if (words[1] == "thread") {
      pthread_create<i32>(thread, 0);
      pthread_exit(0);
    }
    return 40;
  }
  if (what == "forks") {
    const child = fork();
    if (child == 0) _exit(9);
    const status = new StaticArray<i32>(1);
    return waitpid(child, changetype<usize>(status)) == child && status[0] == 9 << 8 ? 0 : 1;
  }
  return 99;
}
