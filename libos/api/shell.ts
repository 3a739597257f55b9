// system() of stdlib.h, popen() and pclose() of stdio.h: commands for the shell, which is the program /bin/sh of the image. An image has one when
// its manifest names it ("programs": { "sh": … }); what it understands is its own affair.
import { EAGAIN, ECHILD, EINTR, EINVAL, EMFILE, ENFILE, ENOMEM, ENOSYS } from "../../kernel/errno";
import { F_SETFD, O_CLOEXEC, POSIX_SPAWN_SETSIGDEF, POSIX_SPAWN_SETSIGMASK, X_OK } from "../posix/constants";
import { SIGCHLD, SIGINT, SIGQUIT, SIG_BLOCK, SIG_SETMASK } from "../posix/signal_constants";
import { errno, setErrno } from "./errno";
import { fcntl } from "./fcntl";
import { access } from "./names";
import * as posix from "./posix";
import { IGNORED, SignalAction } from "./signal_action";
import { sigaddset, sigprocmask, sigset_t } from "./sigset";
import {
  posix_spawn,
  posix_spawn_file_actions_addclose,
  posix_spawn_file_actions_adddup2,
  posix_spawn_file_actions_t,
  posix_spawnattr_t,
} from "./spawn";
import { close, pipe2 } from "./unistd";
import { waitpid } from "./wait";

function shell(): string {
  return "/bin/sh";
}

/** The status of who could not execute the shell: as if it had called exit(127). */
const CANNOT_EXECUTE: i32 = 127 << 8;

// What is kept here is no object of the language's: variables for such would be in apps that use none of this.

/** How many threads are in system(): the first ignores the signals, the last has them as they were. */
let callers: i32 = 0;
/** SignalActions: what was done about SIGINT and SIGQUIT, and what is meanwhile. 0 before the first system(). */
let actions: usize = 0;

function interruptBefore(): SignalAction {
  return changetype<SignalAction>(actions);
}

function quitBefore(): SignalAction {
  return changetype<SignalAction>(actions + offsetof<SignalAction>());
}

/** Ignores SIGINT and SIGQUIT until giveBack(). */
function ignoreKeys(): void {
  callers += 1;
  if (callers != 1) return;
  if (actions == 0) actions = heap.alloc(3 * offsetof<SignalAction>());
  const ignoring = changetype<SignalAction>(actions + 2 * offsetof<SignalAction>());
  ignoring.handler = IGNORED;
  ignoring.flags = 0;
  ignoring.mask = 0;
  posix.sigaction(SIGINT, changetype<usize>(ignoring), changetype<usize>(interruptBefore()));
  posix.sigaction(SIGQUIT, changetype<usize>(ignoring), changetype<usize>(quitBefore()));
}

function giveBack(): void {
  callers -= 1;
  if (callers != 0) return;
  posix.sigaction(SIGINT, changetype<usize>(interruptBefore()), 0);
  posix.sigaction(SIGQUIT, changetype<usize>(quitBefore()), 0);
}

/** Waits for child `pid`: its status, or -1 when somebody else has waited for it, or nobody may. */
function statusOf(pid: i32): i32 {
  const word = new StaticArray<i32>(1);
  let waited = waitpid(pid, changetype<usize>(word));
  while (waited < 0 && errno == EINTR) waited = waitpid(pid, changetype<usize>(word));
  return waited < 0 ? -1 : word[0];
}

/** Whether posix_spawn's `error` means that there was no child, and not that there is no shell. */
function isOfFork(error: i32): bool {
  return error == ENOSYS || error == EAGAIN || error == ENOMEM || error == EMFILE || error == ENFILE;
}

/** The shell with `command` as a child that begins as if there were no system(): its status, or that of one that has not found the shell, or -1. */
function run(command: string, mask: sigset_t): i32 {
  const attributes = new posix_spawnattr_t();
  attributes.flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
  attributes.sigmask = mask;
  if (interruptBefore().handler != IGNORED) sigaddset(attributes.sigdefault, SIGINT);
  if (quitBefore().handler != IGNORED) sigaddset(attributes.sigdefault, SIGQUIT);
  const pid = new StaticArray<i32>(1);
  const error = posix_spawn(changetype<usize>(pid), shell(), null, attributes, ["sh", "-c", command]);
  if (error == 0) return statusOf(pid[0]);
  setErrno(error);
  return isOfFork(error) ? -1 : CANNOT_EXECUTE;
}

/**
 * Has the shell do `command`, and waits for it; SIGINT and SIGQUIT are ignored meanwhile, SIGCHLD is held up. Returns the status of waitpid(), that of exit(127) when
 * there is no shell, or -1: ENOSYS (nobody serves fork here), EAGAIN, ENOMEM, ECHILD (SIGCHLD is ignored). Without a command: whether there is a shell.
 */
export function system(command: string | null = null): i32 {
  const isThere = access(shell(), X_OK) == 0;
  if (command === null) return isThere ? 1 : 0;
  if (!isThere) return CANNOT_EXECUTE; // no domain is made to find that out
  ignoreKeys();
  const children = new sigset_t();
  const mask = new sigset_t();
  sigaddset(children, SIGCHLD);
  sigprocmask(SIG_BLOCK, children, mask);
  const status = run(command, mask);
  const error = errno;
  giveBack();
  sigprocmask(SIG_SETMASK, mask);
  setErrno(error);
  return status;
}

/** A pipe to or from a shell, in memory of its own. */
@unmanaged
@final
class Opened {
  /** The next of them. */
  next: usize;
  fd: i32;
  pid: i32;
}

let first: usize = 0;

/** What the shell does with its descriptors: `end` becomes its standard input or output, pipes of earlier calls are closed. */
function descriptorActions(end: i32, target: i32): posix_spawn_file_actions_t {
  const wishes = new posix_spawn_file_actions_t();
  for (let at = first; at != 0; at = changetype<Opened>(at).next) {
    posix_spawn_file_actions_addclose(wishes, changetype<Opened>(at).fd);
  }
  posix_spawn_file_actions_adddup2(wishes, end, target);
  return wishes;
}

/**
 * Has the shell do `command` as a child, with a pipe to it: what it writes to its standard output is to be read here (`mode` "r"), or what is written here is its standard
 * input ("w"); with "e" the descriptor is closed on execve. Returns that descriptor, where C has a FILE, for pclose(); or -1: EINVAL (another mode), ENOENT (no shell), ENOSYS …
 */
export function popen(command: string, mode: string): i32 {
  const isRead = mode.startsWith("r");
  const rest = mode.substring(1);
  if ((!isRead && !mode.startsWith("w")) || (rest != "" && rest != "e")) {
    setErrno(EINVAL);
    return -1;
  }
  if (access(shell(), X_OK) < 0) return -1;
  const ends = new StaticArray<i32>(2);
  if (pipe2(ends, O_CLOEXEC) < 0) return -1;
  const own = isRead ? ends[0] : ends[1];
  const other = isRead ? ends[1] : ends[0];
  const pid = new StaticArray<i32>(1);
  const wishes = descriptorActions(other, isRead ? 1 : 0);
  const error = posix_spawn(changetype<usize>(pid), shell(), wishes, null, ["sh", "-c", command]);
  close(other);
  if (error != 0) {
    close(own);
    setErrno(error);
    return -1;
  }
  if (rest == "") fcntl(own, F_SETFD, 0);
  const opened = changetype<Opened>(heap.alloc(offsetof<Opened>()));
  opened.next = first;
  opened.fd = own;
  opened.pid = pid[0];
  first = changetype<usize>(opened);
  return own;
}

/** Closes what popen() has opened and waits for the shell. Returns its status, or -1: ECHILD (popen() has not opened it, or somebody else has waited). */
export function pclose(fd: i32): i32 {
  let before = changetype<Opened>(0);
  for (let at = first; at != 0; at = changetype<Opened>(at).next) {
    const opened = changetype<Opened>(at);
    if (opened.fd == fd) {
      const pid = opened.pid;
      if (at == first) first = opened.next;
      else before.next = opened.next;
      heap.free(at);
      close(fd);
      return statusOf(pid);
    }
    before = opened;
  }
  setErrno(ECHILD);
  return -1;
}
