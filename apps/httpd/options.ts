// The command line: `[sequential|threads|poll] [--port N] [--log] [--status] [--max-connections N]
// [--idle-timeout S]`.
// Read once at the start, into plain variables that everything else only looks at.

export const ARCHITECTURE_SEQUENTIAL: i32 = 0;
export const ARCHITECTURE_THREADS: i32 = 1;
export const ARCHITECTURE_POLL: i32 = 2;

/** Most connections at a time: of the descriptors a process may have, some are for files and for turning clients away. */
const CONNECTION_LIMIT: i32 = 800;

/** How the server is to run. */
@unmanaged
@final
export class Options {
  architecture: i32;
  port: i32;
  maxConnections: i32;
  /** How long a connection may rest between two requests, in milliseconds. */
  idleTimeout: i32;
  log: bool;
  /** Whether /.status is there. */
  status: bool;
}

export const options = changetype<Options>(memory.data(offsetof<Options>() + 4, 8));

/** Shown with every complaint about the command line. */
export const USAGE =
  "usage: httpd [sequential|threads|poll] [--port N] [--log] [--status] [--max-connections N] [--idle-timeout SECONDS]";

/** What holds unless the command line says otherwise. */
export function setStandardOptions(): void {
  options.architecture = ARCHITECTURE_POLL;
  options.port = 80;
  options.maxConnections = 256;
  options.idleTimeout = 15000;
  options.log = false;
  options.status = false;
}

/** Reads the arguments (without the program's name) into `options`. Returns a complaint, or an empty string. */
export function parseOptions(args: string[]): string {
  setStandardOptions();
  for (let i = 0; i < args.length; i++) {
    const name = args[i];
    if (name == "--log") {
      options.log = true;
    } else if (name == "--status") {
      options.status = true;
    } else if (name.startsWith("--")) {
      const value = i + 1 < args.length ? args[++i] : "";
      const complaint = takeOption(name, value);
      if (complaint.length != 0) return complaint;
    } else {
      const architecture = architectureNamed(name);
      if (architecture < 0) return `"${name}" is not an architecture: sequential, threads or poll`;
      if (i != 0) return `the architecture "${name}" has to be the first argument`;
      options.architecture = architecture;
    }
  }
  return "";
}

function architectureNamed(name: string): i32 {
  if (name == "sequential") return ARCHITECTURE_SEQUENTIAL;
  if (name == "threads") return ARCHITECTURE_THREADS;
  return name == "poll" ? ARCHITECTURE_POLL : -1;
}

/** Takes the option `name` with its `value`. Returns a complaint, or an empty string. */
export function takeOption(name: string, value: string): string {
  if (name == "--port") {
    options.port = parseNumber(value);
    return inRange(name, value, options.port, 1, 65535);
  }
  if (name == "--max-connections") {
    options.maxConnections = parseNumber(value);
    return inRange(name, value, options.maxConnections, 1, CONNECTION_LIMIT);
  }
  if (name == "--idle-timeout") {
    const seconds = parseNumber(value);
    options.idleTimeout = seconds * 1000;
    return inRange(name, value, seconds, 1, 86400);
  }
  return `unknown option "${name}"`;
}

/** An empty string when `number` lies in `least` … `most`, or else what to say of the option's value. */
export function inRange(name: string, value: string, number: i32, least: i32, most: i32): string {
  if (number >= least && number <= most) return "";
  const given = value.length == 0 ? "nothing" : `"${value}"`;
  return `${name} takes a number from ${least.toString()} to ${most.toString()}, not ${given}`;
}

/** A number of at most six decimal digits, -1 for anything else. */
export function parseNumber(text: string): i32 {
  if (text.length == 0 || text.length > 6) return -1;
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** The chosen architecture by name. */
export function architectureName(): string {
  if (options.architecture == ARCHITECTURE_SEQUENTIAL) return "sequential";
  return options.architecture == ARCHITECTURE_THREADS ? "threads" : "poll";
}
