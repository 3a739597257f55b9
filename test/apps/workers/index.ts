// Workers that share one listening socket: `workers <count>`. Each greets who connects with "process <pid>", then sends back what it
// is sent, a line at a time. The first process accepts nothing itself.
import { AF_INET, INADDR_ANY, POLLIN, PollSet, SOCK_STREAM, accept, bind, close, fork, getpid, listen, perror, read, sockaddr_in, socket, usleep, wait, write, writeText } from "karyon"; // prettier-ignore

const PORT: u16 = 7;
const SIZE: usize = 1024;
const buffer = memory.data(1024);

function work(server: i32): void {
  const set = new PollSet();
  set.add(server, POLLIN);
  while (set.wait(-1) >= 0) {
    for (let i = set.length - 1; i > 0; i--) {
      const entry = set.at(i);
      if (entry.revents == 0) continue;
      const count = read(entry.fd, buffer, SIZE);
      if (count > 0) {
        write(entry.fd, buffer, count);
        continue;
      }
      close(entry.fd);
      entry.fd = -1;
    }
    if ((set.at(0).revents & POLLIN) == 0) continue;
    const client = accept(server);
    if (client < 0) continue;
    writeText(client, `process ${getpid()}\n`);
    set.add(client, POLLIN);
  }
}

/** fork(), as soon as there is somebody who does it: on a busy host forkd may come late. */
function forkSurely(): i32 {
  for (let tries = 0; tries < 600; tries++) {
    const pid = fork();
    if (pid >= 0) return pid;
    usleep(100_000);
  }
  perror("fork");
  return -1;
}

export function main(args: string[]): i32 {
  const server = socket(AF_INET, SOCK_STREAM);
  if (bind(server, new sockaddr_in(INADDR_ANY, PORT)) != 0 || listen(server, 64) != 0) {
    perror("workers");
    return 1;
  }
  const count = args.length > 0 ? <i32>parseInt(args[0]) : 2;
  for (let i = 0; i < count; i++) {
    if (forkSurely() != 0) continue;
    console.log(`worker ${getpid()}`);
    work(server);
    return 0;
  }
  console.log("workers: all started");
  while (wait() > 0) console.log("workers: one has ended");
  return 0;
}
