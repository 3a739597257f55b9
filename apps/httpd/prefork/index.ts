// httpd in the architectures that need fork(): `prefork`, in the manner of Apache's MPM of that name, and `fork`, a child for each
// connection. An image of its own (../prefork.json), so that httpd without fork stays as small as it is.
//
//   options.ts                  the command line
//   supervisor.ts  policy.ts    process 1: how many workers, and when
//   worker.ts  converse.ts      a worker, and the connection that it serves
//   fork_each.ts                a child for each connection
//   stream.ts                   events that go on for long
//   crew.ts  member.ts          children as process 1 has them; the family as a child has it
//   scoreboard.ts  server_status.ts   what is known of all of them, and the page that shows it
import { SIGPIPE, SIG_IGN, fputs, perror, puts, signal, stderr } from "karyon";
import { options } from "../options";
import { setRoute } from "../resource";
import { loadSite, siteFileCount } from "../site";
import { ARCHITECTURE_FORK, parseForkOptions, forkOptions, USAGE } from "./options";
import { serveByForking } from "./fork_each";
import { serverStatus } from "./server_status";
import { stream } from "./stream";
import { supervise } from "./supervisor";

/** Exit status for a command line that is wrong. */
const STATUS_USAGE: i32 = 2;

export function main(args: string[]): i32 {
  signal(SIGPIPE, SIG_IGN); // a client that has gone ends its connection only
  const complaint = parseForkOptions(args);
  if (complaint.length != 0) {
    fputs(`httpd: ${complaint}\n${USAGE}\n`, stderr);
    return STATUS_USAGE;
  }
  if (forkOptions.help) {
    puts(USAGE);
    return 0;
  }
  if (loadSite() < 0) {
    perror("httpd: cannot read the embedded files");
    return 1;
  }
  setRoute((connection, path, length) => serverStatus(connection, path, length) || stream(connection, path, length));
  const forksEach = forkOptions.architecture == ARCHITECTURE_FORK;
  puts(`httpd: ${siteFileCount()} files, port ${options.port}, architecture ${forksEach ? "fork" : "prefork"}`);
  const status = forksEach ? serveByForking() : supervise();
  if (status >= 0) return status;
  perror(`httpd: cannot listen on port ${options.port}`);
  return 1;
}
