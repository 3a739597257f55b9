// system(), popen() and pclose(), where there is no shell, one that nobody can start, and one (test/fake/shell.test.ts, test/lab/shell.test.ts).
import {
  ECHILD,
  EINVAL,
  ENOENT,
  ENOSYS,
  EPIPE,
  F_GETFD,
  SIGCHLD,
  SIGINT,
  SIGPIPE,
  SIGQUIT,
  SIG_BLOCK,
  SIG_DFL,
  SIG_IGN,
  WEXITSTATUS,
  WIFEXITED,
  WNOHANG,
  WTERMSIG,
  errno,
  fcntl,
  getpid,
  pclose,
  popen,
  puts,
  raise,
  readBytes,
  signal,
  sigaction,
  sigaction_t,
  sigismember,
  sigprocmask,
  sigset_t,
  strerror,
  system,
  waitpid,
  writeText,
} from "karyon";

let failures = 0;

function check(what: string, holds: bool): void {
  if (!holds) failures++;
  puts(holds ? `ok ${getpid()}: ${what}` : `FAILED ${getpid()}: ${what} (errno ${errno}: ${strerror(errno)})`);
}

let interrupts = 0;
function interrupted(_signal: i32): void {
  interrupts += 1;
}

let children = 0;
let left = 0;
function ended(_signal: i32): void {
  children += 1;
  if (waitpid(-1, 0, WNOHANG) != -1 || errno != ECHILD) left += 1;
}

function isHeldUp(number: i32): bool {
  const mask = new sigset_t();
  sigprocmask(SIG_BLOCK, null, mask);
  return sigismember(mask, number) == 1;
}

function isIgnored(number: i32): bool {
  const now = new sigaction_t();
  sigaction(number, null, now);
  return now.sa_handler.index == SIG_IGN.index;
}

function exits(status: i32): i32 {
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

function none(): void {
  check("there is no shell", system() == 0);
  check("what there is not ends with 127", exits(system("exit 0")) == 127);
  check("nor a pipe to it", popen("exit 0", "r") == -1 && errno == ENOENT);
}

function alone(): void {
  check("there is a shell", system() != 0);
  check("nobody makes children", system("exit 0") == -1 && errno == ENOSYS);
  check("nor for a pipe", popen("exit 0", "r") == -1 && errno == ENOSYS);
  check("signals are as they were", !isIgnored(SIGINT) && !isIgnored(SIGQUIT) && !isHeldUp(SIGCHLD));
}

/** What the first process sees, whatever the children do. */
function commands(): void {
  signal(SIGINT, interrupted);
  signal(SIGQUIT, SIG_IGN);
  signal(SIGCHLD, ended);
  check("a command's status", exits(system("exit 3")) == 3);
  check("the end of the child was system()'s, and told behind it", children == 1 && left == 0);
  check("SIGINT was ignored meanwhile", interrupts == 0);
  check("and is not any more", raise(SIGINT) == 0 && interrupts == 1);
  check("SIGQUIT is ignored still, SIGCHLD not held up", isIgnored(SIGQUIT) && !isHeldUp(SIGCHLD));
  check("a command that a signal ends", WTERMSIG(system("exit 9")) == 9);
  signal(SIGCHLD, SIG_DFL);
  signal(SIGPIPE, SIG_IGN);

  const buffer = new Uint8Array(64);
  const from = popen("say", "r");
  check("a pipe from a command", from >= 0 && fcntl(from, F_GETFD) == 0);
  check("ends with the command", readBytes(from, buffer) == 0);
  check("whose status is told", exits(pclose(from)) == 5);
  check("once", pclose(from) == -1 && errno == ECHILD);
  const to = popen("copy", "we");
  check("a pipe to a command, closed on execve", to >= 0 && fcntl(to, F_GETFD) == 1);
  check("that nobody reads any more", writeText(to, "x") == -1 && errno == EPIPE);
  check("its status", exits(pclose(to)) == 0);
  for (let i = 0; i < 4; i++) {
    check("a mode that is none", popen("x", ["", "x", "rw", "er"][i]) == -1 && errno == EINVAL);
  }
}

/** With a shell that does what it is told. */
function real(): void {
  signal(SIGINT, interrupted);
  signal(SIGQUIT, SIG_IGN);
  check("there is a shell", system() != 0);
  const codes: i32[] = [0, 1, 42, 255];
  for (let i = 0; i < codes.length; i++) check(`exit ${codes[i]}`, exits(system(`exit ${codes[i]}`)) == codes[i]);
  check("what it does not know", exits(system("nothing")) == 127);
  check("it begins with the signals of who calls system()", exits(system("signals")) == 2);
  const buffer = new Uint8Array(64);
  const from = popen("say hello there", "r");
  let text = "";
  for (let length = readBytes(from, buffer); length > 0; length = readBytes(from, buffer)) {
    text += String.UTF8.decode(buffer.buffer.slice(0, length));
  }
  check("what it says: " + text, text == "hello there");
  const to = popen("copy", "w");
  const other = popen("exit 7", "r");
  check("two at a time", other >= 0 && other != to);
  check("it gets what is written", writeText(to, "twelve bytes") == 12 && exits(pclose(to)) == 12);
  check("and ends with its status", exits(pclose(from)) == 0 && exits(pclose(other)) == 7);
}

export function main(words: string[]): i32 {
  const which = words.length == 0 ? "real" : words[0];
  if (which == "none") none();
  else if (which == "alone") alone();
  else if (which == "commands") commands();
  else if (which == "child") system('echo "two words"');
  else if (which == "reader") popen("from", "r");
  else if (which == "writer") popen("to", "w");
  else real();
  puts(failures == 0 ? "shell: all passed" : `shell: ${failures} failed`);
  return failures;
}
