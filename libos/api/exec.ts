// unistd.h: programs that take the process over. An image has the programs that its manifest names, as files /bin/<name>.
import { EACCES, EINVAL, ENOENT, ENOTDIR } from "../../kernel/errno";
import { AT_EMPTY_PATH, AT_FDCWD } from "../posix/constants";
import { conclude, errno, setErrno } from "./errno";
import * as posix from "./posix";
import { environ, getenv } from "./stdlib";
import { joinTexts } from "./texts";

/**
 * Becomes the program at `path`, relative to the directory `directory` or AT_FDCWD: its other threads end, descriptors with FD_CLOEXEC are closed, signals that
 * were caught have their default effect, memory is the new program's. Process id, other descriptors, directory, umask, limits and children stay. The program has
 * `argv` – the first is its name, main() gets the others – and `envp`, of "NAME=value". AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH are `flags`. Returns
 * only when it cannot, with -1: ENOENT, EACCES (no file, or none that may be executed), ENOEXEC (a file that is no program of the image), E2BIG (ARG_MAX), ENOMEM,
 * ENOTDIR, ELOOP, ENAMETOOLONG, EINVAL (a zero in a text).
 */
export function execveat(directory: i32, path: string, argv: string[], envp: string[], flags: i32 = 0): i32 {
  const name = String.UTF8.encode(path);
  // A program has a name, be it empty, as with Linux.
  const argumentTexts = joinTexts(argv.length == 0 ? [""] : argv);
  const environment = joinTexts(envp);
  if (argumentTexts === null || environment === null) {
    setErrno(EINVAL);
    return -1;
  }
  const result = posix.execveat(
    directory,
    changetype<usize>(name),
    name.byteLength,
    changetype<usize>(argumentTexts),
    argumentTexts.byteLength,
    changetype<usize>(environment),
    environment.byteLength,
    flags,
  );
  return conclude(errno, result);
}

/** Becomes the program at `path`: see `execveat`. */
export function execve(path: string, argv: string[], envp: string[]): i32 {
  return execveat(AT_FDCWD, path, argv, envp);
}

/** Like `execve`, with the environment that there is. */
export function execv(path: string, argv: string[]): i32 {
  return execveat(AT_FDCWD, path, argv, environ());
}

/** Becomes the program that is open as `fd`. Otherwise like `execve`. */
export function fexecve(fd: i32, argv: string[], envp: string[]): i32 {
  return execveat(fd, "", argv, envp, AT_EMPTY_PATH);
}

/** Like `execve`; a `file` without a slash is looked for in the directories of PATH, or in /bin. */
export function execvpe(file: string, argv: string[], envp: string[]): i32 {
  if (file.includes("/")) return execve(file, argv, envp);
  if (file.length == 0) {
    setErrno(ENOENT);
    return -1;
  }
  const variable = getenv("PATH");
  const folders = (variable === null ? "/bin" : variable).split(":");
  let denied = 0;
  for (let i = 0; i < folders.length; i++) {
    const folder = folders[i];
    execve((folder.length == 0 ? "." : folder) + "/" + file, argv, envp);
    if (errno == EACCES) denied = EACCES;
    else if (errno != ENOENT && errno != ENOTDIR) return -1;
  }
  setErrno(denied != 0 ? denied : ENOENT);
  return -1;
}

/** Like `execvpe`, with the environment that there is. */
export function execvp(file: string, argv: string[]): i32 {
  return execvpe(file, argv, environ());
}
