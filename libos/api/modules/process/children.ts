// Programs of the image as processes of their own, each in a domain: needs "fork" and "programs" in the manifest.
import { EAGAIN } from "../../../../kernel/errno";
import { WNOHANG } from "../../../posix/constants";
import { setErrno } from "../../errno";
import { posix_spawn, posix_spawn_file_actions_adddup2, posix_spawn_file_actions_t } from "../../spawn";
import { WEXITSTATUS, WIFEXITED, WTERMSIG, waitpid } from "../../wait";

/** How a child has ended. */
@final
export class Ended {
  constructor(
    public pid: i32,
    /** What it gave to `exit`, 0 … 255; -1 when a signal ended it. */
    public status: i32,
    /** The signal that ended it, also the one that POSIX has for a crash; 0 when it ended by itself. */
    public signal: i32,
  ) {}

  /** "status 1" or "signal 9". */
  toString(): string {
    return this.signal == 0 ? `status ${this.status}` : `signal ${this.signal}`;
  }
}

/**
 * Starts the program at `path` with `words`, of which the first is its name, and waits until it runs. The descriptors `input` and `output` are its standard
 * input and output; those below 0 and all others stay what they are here, but for those with O_CLOEXEC. Returns its process id, or -1 (ENOENT, EACCES, EAGAIN, ENOSYS …).
 */
export function spawn(path: string, words: string[], input: i32 = -1, output: i32 = -1): i32 {
  const actions = new posix_spawn_file_actions_t();
  if (input >= 0) posix_spawn_file_actions_adddup2(actions, input, 0);
  if (output >= 0) posix_spawn_file_actions_adddup2(actions, output, 1);
  const pid = new StaticArray<i32>(1);
  const error = posix_spawn(changetype<usize>(pid), path, actions, null, words);
  if (error == 0) return pid[0];
  setErrno(error);
  return -1;
}

/**
 * Waits until child `pid`, or any (-1), has ended. With `patient` false it only looks. Null when there is nothing to tell: EAGAIN (none has ended), ECHILD (there is none),
 * EINTR (a handler has run). An end is told once.
 */
export function waitChild(pid: i32 = -1, patient: bool = true): Ended | null {
  const status = new StaticArray<i32>(1);
  const ended = waitpid(pid, changetype<usize>(status), patient ? 0 : WNOHANG);
  if (ended == 0) setErrno(EAGAIN);
  if (ended <= 0) return null;
  const isOwn = WIFEXITED(status[0]);
  return new Ended(ended, isOwn ? WEXITSTATUS(status[0]) : -1, isOwn ? 0 : WTERMSIG(status[0]));
}
