// The supervisor itself executes: in a child, whose id and children stay its own.
import { _exit, execve, exit, fork, getpid, setenv, waitpid, WEXITSTATUS } from "karyon";
import { check } from "./check";
import { run } from "./spawning";

export function state(): void {
  const word = new StaticArray<i32>(1);
  const child = fork();
  if (child == 0) {
    const grandchild = fork();
    if (grandchild == 0) exit(5);
    execve("/bin/worker", ["worker", "status", "77"], []);
    _exit(1);
  }
  waitpid(child, changetype<usize>(word));
  check("a process with a child executes", WEXITSTATUS(word[0]) == 77);
  setenv("COLOUR", "red");
  check("the parent goes on as it was", getpid() == 1);
  // Often enough that what is lost each time would be missed.
  let right = 0;
  for (let i = 0; i < 12; i++) if (run([i.toString()], null, null, [], "/bin/chain") == 0) right++;
  check("it can be done again and again", right == 12);
}
