// httpd in the architectures that need fork(): `prefork`, in the manner of Apache's MPM of that name, and `fork`, a child for each
// connection. An image of its own (../prefork.json), so that httpd without fork stays as small as it is.
//
//   options.ts                  the command line
//   supervisor.ts  policy.ts    process 1: how many workers, and when
//   worker.ts  converse.ts      a worker, and the connection that it serves
//   crew.ts  member.ts          children as process 1 has them; the family as a child has it
//   scoreboard.ts  server_status.ts   what is known of all of them, and the page that shows it
import { fputs, perror, puts, stderr } from "karyon";
import { options } from "../options";
import { setRoute } from "../resource";
import { loadSite, siteFileCount } from "../site";
import { parseForkOptions, forkOptions, USAGE } from "./options";
import { serverStatus } from "./server_status";
import { supervise } from "./supervisor";

/** Exit status for a command line that is wrong. */
const STATUS_USAGE: i32 = 2;

export function main(args: string[]): i32 {
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
  setRoute(serverStatus);
  puts(`httpd: ${siteFileCount()} files, port ${options.port}, architecture prefork`);
  const status = supervise();
  if (status >= 0) return status;
  perror(`httpd: cannot listen on port ${options.port}`);
  return 1;
}
