// httpd: a web server for the files embedded in its image. HTTP/1.1 after RFC 9110 and 9112, in the three architectures that
// the first argument chooses between.
//
//   options.ts                             the command line
//   sequential.ts  threads.ts  poll.ts     who waits for what: the architectures
//   exchange.ts                            a connection from its first byte to its close
//   resource.ts  file_answer.ts  answer.ts what a request gets
//   http/                                  conditions and ranges; the rest of the protocol is karyon/http/message
//   site.ts  connection.ts  memory_pool.ts files, connections, and the memory they use
import { SIGPIPE, SIG_IGN, fputs, perror, puts, signal, stderr } from "karyon";
import {
  ARCHITECTURE_SEQUENTIAL,
  ARCHITECTURE_THREADS,
  architectureName,
  options,
  parseOptions,
  USAGE,
} from "./options";
import { servePolling } from "./poll";
import { serveSequentially } from "./sequential";
import { loadSite, siteFileCount } from "./site";
import { serveWithThreads } from "./threads";

/** Exit status for a command line that is wrong. */
const STATUS_USAGE: i32 = 2;

export function main(args: string[]): i32 {
  const complaint = parseOptions(args);
  if (complaint.length != 0) {
    fputs(`httpd: ${complaint}\n${USAGE}\n`, stderr);
    return STATUS_USAGE;
  }
  if (loadSite() < 0) {
    perror("httpd: cannot read the embedded files");
    return 1;
  }
  signal(SIGPIPE, SIG_IGN); // a client that has gone ends its connection only
  puts(`httpd: ${siteFileCount()} files, port ${options.port}, architecture ${architectureName()}`);
  serve();
  perror(`httpd: cannot listen on port ${options.port}`);
  return 1;
}

/** Returns only when serving cannot begin. */
function serve(): i32 {
  if (options.architecture == ARCHITECTURE_SEQUENTIAL) return serveSequentially();
  return options.architecture == ARCHITECTURE_THREADS ? serveWithThreads() : servePolling();
}
