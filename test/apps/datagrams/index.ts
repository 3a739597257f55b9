// Workers that share a port of datagrams, for test/lab/datagram_workers.test.ts: "<children> <port>". The first process binds the port and forks the
// children, which answer "process <pid>" to each datagram; it waits until all of them have ended, and serves then itself.
import { AF_INET, INADDR_ANY, SOCK_DGRAM, bind, errno, fork, getpid, puts, recvfrom, sendto, sockaddr_in, socket, waitpid } from "karyon"; // prettier-ignore

const BUFFER_SIZE: u32 = 256;
const buffer = memory.data(256);

function serve(fd: i32): void {
  const peer = new sockaddr_in(INADDR_ANY, 0);
  const text = String.UTF8.encode(`process ${getpid()}\n`);
  puts(`process ${getpid()} serves`);
  while (true) {
    if (recvfrom(fd, buffer, BUFFER_SIZE, 0, peer) < 0) puts(`recvfrom failed: ${errno}`);
    sendto(fd, changetype<usize>(text), <u32>text.byteLength, 0, peer);
  }
}

export function main(args: string[]): i32 {
  const fd = socket(AF_INET, SOCK_DGRAM);
  if (bind(fd, new sockaddr_in(INADDR_ANY, <u16>parseInt(args[1]))) != 0) puts(`bind failed: ${errno}`);
  for (let left = <i32>parseInt(args[0]); left > 0; left--) {
    const pid = fork();
    if (pid < 0) puts(`fork failed: ${errno}`);
    if (pid == 0) serve(fd);
  }
  while (waitpid(-1) > 0);
  serve(fd);
  return 0;
}
