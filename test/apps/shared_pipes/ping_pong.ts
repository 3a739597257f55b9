// A byte to a child and back, again and again, for what it costs: as often as a line on the console says, until an empty one.
import { _exit, close, fork, pipe, puts, read, stdin, waitpid, write } from "karyon";
import { check } from "./check";

const byte = memory.data(8, 8);
const line = memory.data(64, 8);

/** The number on the next line; 0 without one. */
function order(): i32 {
  const length = read(stdin, line, 64);
  return length <= 1 ? 0 : <i32>parseInt(String.UTF8.decodeUnsafe(line, length - 1));
}

function trips(count: i32, down: i32, up: i32): bool {
  for (let i = 0; i < count; i++) {
    store<u8>(byte, <u8>i);
    if (write(down, byte, 1) != 1 || read(up, byte, 1) != 1 || load<u8>(byte) != <u8>i) return false;
  }
  return true;
}

/** Makes the child, and does as it is told. */
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
  let good = trips(10, down[1], up[0]); // the doorbells stand
  puts(`child ${pid}`);
  for (let count = order(); count > 0; count = order()) {
    good = trips(count, down[1], up[0]) && good;
    puts("done");
  }
  close(down[1]);
  check("each byte came back", good && waitpid(pid) == pid);
  close(up[0]);
}
