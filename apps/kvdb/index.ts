// kvdb: a small key-value database in the process model of PostgreSQL, with the protocol of Redis (RESP2), so that redis-cli and its
// kin work. Every process is a domain of its own:
//
//   server/postmaster.ts   process 1: listens, forks a backend for each connection, waits for those that end
//   server/backend.ts      a backend: one client's commands and answers
//   store/process.ts       the store: owns the data; backends ask it through pipes (server/slots.ts)
//
//   resp/                  the protocol, without input or output
//   store/table.ts  store/commands.ts   the data, and what commands do to them
//
// A backend that is destroyed takes its client with it and nothing else. When the store ends, all begin anew, without data.
import { SIGPIPE, SIG_IGN, fputs, perror, puts, signal, stderr } from "karyon";
import { options, parseOptions, USAGE } from "./options";
import { keepPosts } from "./server/postmaster";

/** Exit status for a command line that is wrong. */
const STATUS_USAGE: i32 = 2;

export function main(args: string[]): i32 {
  signal(SIGPIPE, SIG_IGN); // a client that has gone ends its backend only, a backend none but itself
  const complaint = parseOptions(args);
  if (complaint.length != 0) {
    fputs(`kvdb: ${complaint}\n${USAGE}\n`, stderr);
    return STATUS_USAGE;
  }
  if (options.help) {
    puts(USAGE);
    return 0;
  }
  const status = keepPosts();
  if (status >= 0) return status;
  perror(`kvdb: cannot serve port ${options.port}`);
  return 1;
}
