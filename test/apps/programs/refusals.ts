// What execve does not do leaves the process as it is.
import {
  E2BIG,
  EACCES,
  EBADF,
  EINVAL,
  ELOOP,
  ENOENT,
  ENOEXEC,
  ENOTDIR,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  O_RDONLY,
  chmod,
  close,
  creat,
  errno,
  execv,
  execve,
  execveat,
  execvp,
  fexecve,
  getenv,
  open,
  program_invocation_name,
  setenv,
  symlink,
  unsetenv,
} from "karyon";
import { check } from "./check";

function refuses(what: string, result: i32, error: i32): void {
  check("execve refuses " + what, result == -1 && errno == error);
}

export function refusals(): void {
  const none: string[] = [];
  refuses("what is not there", execv("/bin/nothing", none), ENOENT);
  refuses("no name", execv("", none), ENOENT);
  refuses("a directory", execv("/bin", none), EACCES);
  refuses("a device", execv("/dev/null", none), EACCES);
  refuses("what is below a file", execv("/bin/worker/x", none), ENOTDIR);
  refuses("a slash behind a file", execv("/bin/worker/", none), ENOTDIR);
  close(creat("/tmp/text", 0x1a4));
  refuses("a file that may not be executed", execv("/tmp/text", none), EACCES);
  chmod("/tmp/text", 0x1ed);
  refuses("a file that is no program", execv("/tmp/text", none), ENOEXEC);
  refuses("more than fits", execve("/bin/worker", ["x", "y".repeat(200_000)], none), E2BIG);
  refuses("a larger environment", execve("/bin/worker", ["x"], ["A=" + "y".repeat(131_072)]), E2BIG);
  refuses("a zero in a text", execve("/bin/worker", ["x\0y"], none), EINVAL);
  refuses("flags that there are not", execveat(AT_FDCWD, "/bin/worker", none, none, 1), EINVAL);
  symlink("/bin/worker", "/tmp/link");
  refuses("a link that is not to be followed", execveat(AT_FDCWD, "/tmp/link", none, none, AT_SYMLINK_NOFOLLOW), ELOOP);
  refuses("a descriptor that is not open", fexecve(99, none, none), EBADF);
  refuses("the console", fexecve(1, none, none), EACCES);
  const folder = open("/bin", O_RDONLY);
  refuses("a directory's descriptor", fexecve(folder, none, none), EACCES);
  close(folder);
  refuses("a name that no directory of PATH has", execvp("nothing", none), ENOENT);
  setenv("PATH", "/nowhere:/tmp/text:/bin");
  refuses("that in another PATH", execvp("nothing", none), ENOENT);
  check("a changed environment is there", getenv("PATH") !== null);
  check("and taken away", unsetenv("PATH") == 0 && getenv("PATH") === null);
  check("setenv wants a name", setenv("A=B", "x") == -1 && errno == EINVAL);
  check("the program has the image's name", program_invocation_name() == "test-programs");
}
