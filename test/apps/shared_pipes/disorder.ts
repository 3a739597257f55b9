// Processes that are killed while they write and read as fast as they can, so that now and then one has the lock: the others go on,
// and no record is ever in the pipe in part.
import { SIGKILL, close, fork, kill, pipe, usleep, waitpid } from "karyon";
import { check } from "./check";
import { receiveRecord, sendRecord } from "./data";

const ROUNDS = 8;
const VICTIMS = 3;

function writeForEver(fd: i32, writer: u32): void {
  for (let number: u32 = 0; ; number++) sendRecord(fd, writer, number & 0xffff, 8 + (number % 60));
}

/** Writers are killed one after another, at moments that differ. */
export function disorder(): void {
  const ends = new StaticArray<i32>(2);
  let intact = true;
  let records = 0;
  for (let round = 0; round < ROUNDS; round++) {
    pipe(ends);
    const pids = new StaticArray<i32>(VICTIMS);
    for (let i = 0; i < VICTIMS; i++) {
      pids[i] = fork();
      if (pids[i] == 0) {
        close(ends[0]);
        writeForEver(ends[1], i);
      }
    }
    close(ends[1]);
    for (let i = 0; i < VICTIMS; i++) {
      for (let n = 0; n < 200 + 37 * round && intact; n++) {
        intact = receiveRecord(ends[0]) == 1;
        records += 1;
      }
      kill(pids[i], SIGKILL);
      usleep(round * 100);
    }
    let result = 1;
    while (result == 1) result = receiveRecord(ends[0]);
    intact = intact && result == 0;
    close(ends[0]);
    for (let i = 0; i < VICTIMS; i++) waitpid(pids[i]);
  }
  check(`${records} records of killed writers are whole`, intact && records > 0);
}
