// spawn.h: a program of the image as a process of its own: fork, and in the child what the actions and attributes say, then execve. What goes wrong
// there the child tells through a pipe that execve closes. As in C, the functions return error numbers. The objects are made with `new`.
import { EBADF, EINTR, EINVAL } from "../../kernel/errno";
import {
  F_DUPFD_CLOEXEC,
  F_SETFD,
  O_CLOEXEC,
  POSIX_SPAWN_RESETIDS,
  POSIX_SPAWN_SETSIGDEF,
  POSIX_SPAWN_SETSIGMASK,
} from "../posix/constants";
import { SIG_SETMASK } from "../posix/signal_constants";
import { errno } from "./errno";
import { execve, execvpe } from "./exec";
import { fcntl, open } from "./fcntl";

import { chdir, fchdir } from "./names";
import { _exit, fork } from "./process";
import { SIG_DFL, signal } from "./signal";
import { sigismember, sigprocmask, sigset_t } from "./sigset";
import { environ } from "./stdlib";
import { close, dup2, pipe2, read, write } from "./unistd";
import { waitpid } from "./wait";

const ACTION_CLOSE: i32 = 0;
const ACTION_DUP2: i32 = 1;
const ACTION_OPEN: i32 = 2;
const ACTION_CHDIR: i32 = 3;
const ACTION_FCHDIR: i32 = 4;
/** The status of a child that could not execute, as with shells. */
const CANNOT_EXECUTE: i32 = 127;

@final
class FileAction {
  constructor(
    public kind: i32,
    public fd: i32,
    public target: i32,
    public path: string,
    public flags: i32,
    public mode: u32,
  ) {}
}

/** What the child does with its descriptors before it executes the program, in the order in which it was added. */
@final
export class posix_spawn_file_actions_t {
  actions: FileAction[] = [];
}

/** How the child begins. */
@final
export class posix_spawnattr_t {
  /** POSIX_SPAWN_SETSIGDEF and POSIX_SPAWN_SETSIGMASK; RESETIDS does nothing, and there are no process groups to set (EINVAL). */
  flags: i32 = 0;
  /** With POSIX_SPAWN_SETSIGDEF: signals that have their default effect, also if they are ignored here. */
  sigdefault: sigset_t = new sigset_t();
  /** With POSIX_SPAWN_SETSIGMASK: those that are held up. */
  sigmask: sigset_t = new sigset_t();
}

function add(actions: posix_spawn_file_actions_t, action: FileAction): i32 {
  if (action.fd < 0 || action.target < 0) return EBADF;
  actions.actions.push(action);
  return 0;
}

/** Closes `fd`; it is no error if it is not open. Returns 0 or EBADF (negative). */
export function posix_spawn_file_actions_addclose(actions: posix_spawn_file_actions_t, fd: i32): i32 {
  return add(actions, new FileAction(ACTION_CLOSE, fd, 0, "", 0, 0));
}

/** Makes `target` a second descriptor of `fd`; the same number stays open over the execution. Returns 0 or EBADF. */
export function posix_spawn_file_actions_adddup2(actions: posix_spawn_file_actions_t, fd: i32, target: i32): i32 {
  return add(actions, new FileAction(ACTION_DUP2, fd, target, "", 0, 0));
}

/** Opens `path` as `fd`, closing what that was. Returns 0 or EBADF. */
export function posix_spawn_file_actions_addopen(
  actions: posix_spawn_file_actions_t,
  fd: i32,
  path: string,
  flags: i32,
  mode: u32,
): i32 {
  return add(actions, new FileAction(ACTION_OPEN, fd, 0, path, flags, mode));
}

/** Makes `path` the working directory. Returns 0. */
export function posix_spawn_file_actions_addchdir_np(actions: posix_spawn_file_actions_t, path: string): i32 {
  return add(actions, new FileAction(ACTION_CHDIR, 0, 0, path, 0, 0));
}

/** Makes the directory that is open as `fd` the working directory. Returns 0 or EBADF. */
export function posix_spawn_file_actions_addfchdir_np(actions: posix_spawn_file_actions_t, fd: i32): i32 {
  return add(actions, new FileAction(ACTION_FCHDIR, fd, 0, "", 0, 0));
}

/** Where the child tells what goes wrong: moves out of the way of what the actions want to have at its place. */
let report: i32 = -1;

function leavePlace(fd: i32): i32 {
  if (fd != report) return 0;
  const other = fcntl(report, F_DUPFD_CLOEXEC, fd + 1);
  if (other < 0) return errno;
  close(report);
  report = other;
  return 0;
}

function openAs(fd: i32, action: FileAction): i32 {
  close(fd);
  const opened = open(action.path, action.flags, action.mode);
  if (opened < 0) return errno;
  if (opened == fd) return 0;
  const error = dup2(opened, fd) < 0 ? errno : 0;
  close(opened);
  return error;
}

/** Does what an action says: 0 or an error number. */
function perform(action: FileAction): i32 {
  if (action.kind == ACTION_CHDIR) return chdir(action.path) < 0 ? errno : 0;
  if (action.kind == ACTION_FCHDIR) {
    if (action.fd == report) return EBADF;
    return fchdir(action.fd) < 0 ? errno : 0;
  }
  if (action.kind == ACTION_DUP2) {
    if (action.fd == report) return EBADF;
    if (action.fd == action.target) return fcntl(action.fd, F_SETFD, 0) < 0 ? errno : 0;
    const error = leavePlace(action.target);
    if (error != 0) return error;
    return dup2(action.fd, action.target) < 0 ? errno : 0;
  }
  const error = leavePlace(action.fd);
  if (error != 0) return error;
  if (action.kind == ACTION_OPEN) return openAs(action.fd, action);
  close(action.fd);
  return 0;
}

/** In the child, up to the execution: an error number. */
function begin(
  file: string,
  searched: bool,
  actions: posix_spawn_file_actions_t | null,
  attributes: posix_spawnattr_t | null,
  argv: string[],
  envp: string[],
): i32 {
  if (attributes !== null && (attributes.flags & POSIX_SPAWN_SETSIGDEF) != 0) {
    for (let number = 1; number < 32; number++) {
      if (sigismember(attributes.sigdefault, number) == 1) signal(number, SIG_DFL); // refuses those that nothing can be done about
    }
  }
  if (actions !== null) {
    for (let i = 0; i < actions.actions.length; i++) {
      const error = perform(actions.actions[i]);
      if (error != 0) return error;
    }
  }
  if (attributes !== null && (attributes.flags & POSIX_SPAWN_SETSIGMASK) != 0) {
    if (sigprocmask(SIG_SETMASK, attributes.sigmask) < 0) return errno;
  }
  if (searched) execvpe(file, argv, envp);
  else execve(file, argv, envp);
  return errno;
}

function spawn(
  pid: usize,
  file: string,
  searched: bool,
  actions: posix_spawn_file_actions_t | null,
  attributes: posix_spawnattr_t | null,
  argv: string[],
  envp: string[],
): i32 {
  const known = POSIX_SPAWN_RESETIDS | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
  if (attributes !== null && (attributes.flags & ~known) != 0) return EINVAL;
  const ends = new StaticArray<i32>(2);
  if (pipe2(ends, O_CLOEXEC) < 0) return errno;
  const child = fork();
  if (child == 0) {
    close(ends[0]);
    report = ends[1];
    store<i32>(changetype<usize>(ends), begin(file, searched, actions, attributes, argv, envp));
    write(report, changetype<usize>(ends), 4);
    _exit(CANNOT_EXECUTE);
  }
  const error = child < 0 ? errno : 0;
  close(ends[1]);
  const refused = error != 0 ? error : answer(ends[0], child);
  close(ends[0]);
  if (refused == 0 && pid != 0) store<i32>(pid, child);
  return refused;
}

/** Waits until the child executes (0), or has told why it cannot. */
function answer(fd: i32, child: i32): i32 {
  const word = new StaticArray<i32>(1);
  let length = read(fd, changetype<usize>(word), 4);
  while (length < 0 && errno == EINTR) length = read(fd, changetype<usize>(word), 4);
  if (length != 4) return 0;
  while (waitpid(child) < 0 && errno == EINTR);
  return word[0];
}

/**
 * Starts the program at `path` with arguments `argv` – the first is its name – and environment `envp` as a child, and stores the
 * child's process id at `pid` (i32*, 0 = not wanted). Returns when it executes: 0, or an error number of fork (ENOSYS: nobody serves it
 * here), of the actions or of execve, and then there is no child.
 */
export function posix_spawn(
  pid: usize,
  path: string,
  actions: posix_spawn_file_actions_t | null,
  attributes: posix_spawnattr_t | null,
  argv: string[],
  envp: string[] = environ(),
): i32 {
  return spawn(pid, path, false, actions, attributes, argv, envp);
}

/** Like `posix_spawn`; a `file` without a slash is looked for in the directories of PATH, or in /bin. */
export function posix_spawnp(
  pid: usize,
  file: string,
  actions: posix_spawn_file_actions_t | null,
  attributes: posix_spawnattr_t | null,
  argv: string[],
  envp: string[] = environ(),
): i32 {
  return spawn(pid, file, true, actions, attributes, argv, envp);
}
