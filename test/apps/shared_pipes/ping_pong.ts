// A byte to a child and back, again and again: for what it costs.
import { _exit, close, fork, pipe, puts, read, waitpid, write } from "karyon";
import { check } from "./check";

const ROUNDS = 2000;
const byte = memory.data(8, 8);

/** ROUNDS round trips; says when they begin and when they have ended. */
export function pingPong(): void {
  const down = new StaticArray<i32>(2);
  const up = new StaticArray<i32>(2);
  pipe(down);
  pipe(up);
  const pid = fork();
  if (pid == 0) {
    close(down[1]);
    close(up[0]);
    while (read(down[0], byte, 1) == 1 && write(up[1], byte, 1) == 1);
    _exit(0);
  }
  close(down[0]);
  close(up[1]);
  let good = true;
  for (let i = 0; i < 2 * ROUNDS; i++) {
    if (i == ROUNDS) puts("ping-pong begins"); // the doorbells stand
    store<u8>(byte, <u8>i);
    good = good && write(down[1], byte, 1) == 1 && read(up[0], byte, 1) == 1 && load<u8>(byte) == <u8>i;
  }
  puts("ping-pong ends");
  close(down[1]);
  check("each byte came back", good && waitpid(pid) == pid);
  close(up[0]);
}
