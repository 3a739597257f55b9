// posix_spawn: exit codes, actions, attributes, and what it says when it cannot.
import {
  EBADF,
  ECHILD,
  ENOENT,
  EACCES,
  O_CLOEXEC,
  O_CREAT,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
  POSIX_SPAWN_SETPGROUP,
  POSIX_SPAWN_SETSIGDEF,
  POSIX_SPAWN_SETSIGMASK,
  SIGUSR1,
  SIGUSR2,
  SIG_DFL,
  SIG_IGN,
  WEXITSTATUS,
  WIFEXITED,
  close,
  errno,
  open,
  pipe2,
  posix_spawn,
  posix_spawn_file_actions_addchdir_np,
  posix_spawn_file_actions_addclose,
  posix_spawn_file_actions_adddup2,
  posix_spawn_file_actions_addopen,
  posix_spawn_file_actions_t,
  posix_spawnattr_t,
  posix_spawnp,
  readBytes,
  sigaddset,
  signal,
  waitpid,
  writeText,
} from "karyon";
import { check } from "./check";

const word = new StaticArray<i32>(1);

/** Waits for `child`: its exit status; -1 when it did not exit so. */
function statusOf(child: i32): i32 {
  if (waitpid(child, changetype<usize>(word)) != child || !WIFEXITED(word[0])) return -1;
  return WEXITSTATUS(word[0]);
}

/** Starts the worker and waits: its exit status, or an error number above 1000. */
export function run(
  words: string[],
  actions: posix_spawn_file_actions_t | null = null,
  attributes: posix_spawnattr_t | null = null,
  envp: string[] = [],
  path: string = "/bin/worker",
): i32 {
  const pid = new StaticArray<i32>(1);
  const error = posix_spawn(changetype<usize>(pid), path, actions, attributes, ["worker"].concat(words), envp);
  return error != 0 ? 1000 + error : statusOf(pid[0]);
}

function codes(): void {
  const given: i32[] = [0, 1, 7, 127, 128, 255, 256, -1];
  for (let i = 0; i < given.length; i++) {
    const code = given[i];
    check(`a child exits with ${code}`, run(["status", code.toString()]) == (code & 0xff));
  }
  check("a child's main returns 200", run(["returns", "200"]) == 200);
  check("arguments arrive as they are", run(["words", "", "a b", "ä€𝄞"]) == 0);
  check("the name is argument 0", run(["name", "worker"]) == 0);
  check("the environment is what was given", run(["environment"], null, null, ["A=1", "B=x=y"]) == 0);
  check("handlers run in their order", run(["handlers", "returns"]) == 40);
  check("and for exit", run(["handlers", "exit"]) == 41);
  check("not for _exit", run(["handlers", "_exit"]) == 42);
  check("with the last thread", run(["handlers", "thread"]) == 0);
  check("one that calls exit leaves the others to it", run(["handlers", "again"]) == 43);
  check("a child that was started forks", run(["forks"]) == 0);
  check("a program that executes itself finds all new", run(["20"], null, null, [], "/bin/chain") == 0);
  check("threads end, from the main one", run(["main"], null, null, [], "/bin/threads") == 0);
  check("threads end, from another one", run(["other"], null, null, [], "/bin/threads") == 0);
  check("threads end, behind the main one's end", run(["ended"], null, null, [], "/bin/threads") == 0);
}

function descriptors(): void {
  const into = new StaticArray<i32>(2);
  const from = new StaticArray<i32>(2);
  pipe2(into, O_CLOEXEC);
  pipe2(from, O_CLOEXEC);
  const actions = new posix_spawn_file_actions_t();
  posix_spawn_file_actions_adddup2(actions, into[0], 0);
  posix_spawn_file_actions_adddup2(actions, from[1], 1);
  const pid = new StaticArray<i32>(1);
  const error = posix_spawnp(changetype<usize>(pid), "worker", actions, null, ["worker", "copy"]);
  close(into[0]);
  close(from[1]);
  writeText(into[1], "through two pipes");
  close(into[1]);
  const bytes = new Uint8Array(64);
  const length = readBytes(from[0], bytes);
  close(from[0]);
  const text = length > 0 ? String.UTF8.decode(bytes.buffer.slice(0, length)) : "";
  check("standard input and output are pipes: " + text, error == 0 && text == "THROUGH TWO PIPES");
  check("and the program has counted", statusOf(pid[0]) == 17);

  const kept = open("/bin/chain", O_RDONLY);
  const closed = open("/bin/chain", O_RDONLY | O_CLOEXEC);
  check("a descriptor with close-on-exec is closed", run(["closed", closed.toString()]) == 0);
  check("one without is not", run(["closed", kept.toString()]) == 1);
  const shut = new posix_spawn_file_actions_t();
  posix_spawn_file_actions_addclose(shut, kept);
  posix_spawn_file_actions_adddup2(shut, closed, closed);
  check("an action closes", run(["closed", kept.toString()], shut) == 0);
  check("dup2 to itself keeps", run(["closed", closed.toString()], shut) == 1);
  // The descriptors that come next are those of the pipe by which the child would tell of errors.
  const high = new posix_spawn_file_actions_t();
  for (let fd = closed + 1; fd < closed + 4; fd++) posix_spawn_file_actions_adddup2(high, kept, fd);
  check("actions may use any number", run(["closed", (closed + 2).toString()], high) == 1);
  close(kept);
  close(closed);

  const output = new posix_spawn_file_actions_t();
  posix_spawn_file_actions_addchdir_np(output, "/tmp");
  posix_spawn_file_actions_addopen(output, 0, "input", O_RDONLY, 0);
  const input = open("/tmp/input", O_CREAT | O_TRUNC | O_WRONLY, 0x1a4);
  writeText(input, "twelve bytes");
  close(input);
  check("an action opens, from its directory", run(["copy"], output) == 12);
}

function refused(): void {
  const wrong = new posix_spawn_file_actions_t();
  posix_spawn_file_actions_adddup2(wrong, 77, 1);
  check("an action that fails is told", run(["status", "0"], wrong) == 1000 + EBADF);
  const missing = new posix_spawn_file_actions_t();
  posix_spawn_file_actions_addopen(missing, 5, "/not/there", O_RDONLY, 0);
  check("so is a file that is missing", run(["status", "0"], missing) == 1000 + ENOENT);
  check("and a program", run([], null, null, [], "/bin/nothing") == 1000 + ENOENT);
  check("and a directory", run([], null, null, [], "/bin") == 1000 + EACCES);
  check("negative descriptors are refused", posix_spawn_file_actions_addclose(wrong, -1) == EBADF);
  check("no child is left", waitpid(-1) == -1 && errno == ECHILD);
}

function caught(_signal: i32): void {
  check("a handler is never called", false);
}

function signals(): void {
  signal(SIGUSR1, SIG_IGN);
  signal(SIGUSR2, caught);
  check("ignored stays ignored, caught is default", run(["signals"]) == 3);
  const attributes = new posix_spawnattr_t();
  attributes.flags = POSIX_SPAWN_SETSIGDEF;
  sigaddset(attributes.sigdefault, SIGUSR1);
  check("unless it is to be default", run(["signals"], null, attributes) == 2);
  const pid = new StaticArray<i32>(1);
  posix_spawn(changetype<usize>(pid), "/bin/worker", null, attributes, ["worker", "killed"]);
  waitpid(pid[0], changetype<usize>(word));
  check("and ends it", word[0] == SIGUSR1);
  attributes.flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
  sigaddset(attributes.sigmask, SIGUSR1);
  check("held up, it does not", run(["killed"], null, attributes) == 1);
  attributes.flags = POSIX_SPAWN_SETPGROUP;
  check("there are no process groups", run(["status", "0"], null, attributes) == 1022);
  signal(SIGUSR1, SIG_DFL);
  signal(SIGUSR2, SIG_DFL);
}

export function spawning(): void {
  codes();
  descriptors();
  refused();
  signals();
}
