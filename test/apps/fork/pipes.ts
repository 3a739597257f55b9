// A pipe across a fork is one pipe. (test/apps/shared_pipes tries that in full.)
import { WEXITSTATUS, _exit, close, fork, pipe, readBytes, waitpid, writeText } from "karyon";
import { check, checksForked, failureCount } from "./check";

const statusWord = memory.data(4, 4);

function reads(fd: i32, text: string): bool {
  const bytes = new Uint8Array(16);
  const length = readBytes(fd, bytes);
  return length == text.length && String.UTF8.decodeUnsafe(bytes.dataStart, length) == text;
}

export function pipes(): void {
  const ends = new StaticArray<i32>(2);
  pipe(ends);
  writeText(ends[1], "before");
  const pid = fork();
  if (pid == 0) {
    checksForked();
    check("what was in the pipe is there for the child", reads(ends[0], "before"));
    close(ends[0]);
    check("the parent reads", writeText(ends[1], "child") == 5);
    _exit(failureCount());
  }
  check("the child with a pipe is content", waitpid(pid, statusWord) == pid && WEXITSTATUS(load<i32>(statusWord)) == 0);
  check("what the child has written is here", reads(ends[0], "child"));
  close(ends[1]);
  check("the pipe has no writer any more", reads(ends[0], ""));
  close(ends[0]);
}
