// The command line of the architectures that fork: `[prefork|fork] [--workers N] …`. What they have in common with the others –
// port, log, status page, idle time-out – is in ../options.ts, and read by it.
import { inRange, options, parseNumber, setStandardOptions, takeOption } from "../options";

export const ARCHITECTURE_PREFORK: i32 = 0;
export const ARCHITECTURE_FORK: i32 = 1;

/** Most children: a manifest allows no more (README, "fork"). */
export const MOST_WORKERS: i32 = 64;

/** How the processes are to be kept. */
@unmanaged
@final
export class ForkOptions {
  architecture: i32;
  /** Workers at the start, and always at least (Apache: StartServers). */
  workers: i32;
  /** Fewer idle workers than this: more are started (MinSpareServers). */
  minSpare: i32;
  /** More idle workers than this: some are let go (MaxSpareServers). */
  maxSpare: i32;
  /** Most workers, or connections at a time of the architecture fork (MaxRequestWorkers). */
  maxWorkers: i32;
  /** Requests after which a worker ends and another takes its place (MaxConnectionsPerChild); 0 = never. */
  maxRequests: i32;
  /** Whether the command line asks for nothing but the usage. */
  help: bool;
}

export const forkOptions = changetype<ForkOptions>(memory.data(offsetof<ForkOptions>() + 7, 8));

/** Shown by --help and with every complaint about the command line. */
export const USAGE = `usage: httpd [prefork|fork] [options]
  prefork                 workers wait in accept(), one connection each at a time; process 1 keeps them (default)
  fork                    process 1 accepts and forks a child for each connection
  --workers N             prefork: workers at the start and at least (4)
  --min-spare N           prefork: more are started when fewer are idle (1)
  --max-spare N           prefork: one a second is let go when more are idle (8)
  --max-workers N         most workers, or children (16; "fork" in the manifest has to allow 4 more)
  --max-requests N        prefork: requests after which a worker is replaced; 0 = never (0)
  --port N                (80)
  --idle-timeout SECONDS  between two requests of a connection (15)
  --log                   each request on the console of the process that answers it
  --status                GET /server-status shows the processes, /.status counters of the one that answers
signals to process 1: SIGHUP, SIGUSR1 replace the workers, no request is lost; SIGTERM ends all`;

/** Reads the arguments (without the program's name). Returns a complaint, or an empty string. */
export function parseForkOptions(args: string[]): string {
  setStandardOptions();
  forkOptions.architecture = ARCHITECTURE_PREFORK;
  forkOptions.workers = 4;
  forkOptions.minSpare = 1;
  forkOptions.maxSpare = 8;
  forkOptions.maxWorkers = 16;
  forkOptions.maxRequests = 0;
  forkOptions.help = false;
  for (let i = 0; i < args.length; i++) {
    const name = args[i];
    if (name == "--log") {
      options.log = true;
    } else if (name == "--status") {
      options.status = true;
    } else if (name == "--help") {
      forkOptions.help = true;
    } else if (name.startsWith("--")) {
      const complaint = takeForkOption(name, i + 1 < args.length ? args[++i] : "");
      if (complaint.length != 0) return complaint;
    } else {
      if (name != "prefork" && name != "fork") return `"${name}" is not an architecture of this image: prefork or fork`;
      if (i != 0) return `the architecture "${name}" has to be the first argument`;
      forkOptions.architecture = name == "fork" ? ARCHITECTURE_FORK : ARCHITECTURE_PREFORK;
    }
  }
  return contradiction();
}

function takeForkOption(name: string, value: string): string {
  const number = parseNumber(value);
  if (name == "--workers") {
    forkOptions.workers = number;
    return inRange(name, value, number, 1, MOST_WORKERS);
  }
  if (name == "--min-spare") {
    forkOptions.minSpare = number;
    return inRange(name, value, number, 0, MOST_WORKERS);
  }
  if (name == "--max-spare") {
    forkOptions.maxSpare = number;
    return inRange(name, value, number, 1, MOST_WORKERS);
  }
  if (name == "--max-workers") {
    forkOptions.maxWorkers = number;
    return inRange(name, value, number, 1, MOST_WORKERS);
  }
  if (name == "--max-requests") {
    forkOptions.maxRequests = number;
    return inRange(name, value, number, 0, 999_999);
  }
  return takeOption(name, value);
}

function contradiction(): string {
  const most = forkOptions.maxWorkers;
  if (forkOptions.workers > most) return `--workers ${forkOptions.workers} is more than --max-workers ${most}`;
  if (forkOptions.minSpare > forkOptions.maxSpare) {
    return `--min-spare ${forkOptions.minSpare} is more than --max-spare ${forkOptions.maxSpare}`;
  }
  return "";
}
