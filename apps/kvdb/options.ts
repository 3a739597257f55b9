// The command line, read once into plain variables that every process inherits.

/** Most clients at a time: each has a process, and the store a place for it. */
export const MOST_CLIENTS: i32 = 32;

/** How the server is to run. */
@unmanaged
@final
export class Options {
  port: i32;
  maxClients: i32;
  /** MiB that keys and values may take, what it costs to keep them included. */
  maxMemory: i32;
  /** Seconds after which a silent client is let go; 0 = never. */
  timeout: i32;
  /** Whether nothing is asked for but the usage. */
  help: bool;
}

export const options = changetype<Options>(memory.data(offsetof<Options>() + 7, 8));

/** Shown by --help and with every complaint about the command line. */
export const USAGE = `usage: kvdb [options]
  --port N             (6379)
  --max-clients N      clients at a time, 1 to 32 (16; "fork" in the manifest has to allow one more)
  --max-memory N       MiB of keys and values, 1 to 1024 (4; of the manifest's "memory" a third at most)
  --timeout SECONDS    a client that says nothing for so long is let go; 0 = never (0)
signals to process 1: SIGTERM ends all`;

/** Reads the arguments. Returns a complaint, or an empty string. */
export function parseOptions(args: string[]): string {
  options.port = 6379;
  options.maxClients = 16;
  options.maxMemory = 4;
  options.timeout = 0;
  options.help = false;
  for (let i = 0; i < args.length; i++) {
    const name = args[i];
    if (name == "--help") {
      options.help = true;
      continue;
    }
    if (!name.startsWith("--")) return `"${name}" is no option`;
    const complaint = takeOption(name, i + 1 < args.length ? args[++i] : "");
    if (complaint.length != 0) return complaint;
  }
  return "";
}

function takeOption(name: string, value: string): string {
  const number = parseNumber(value);
  if (name == "--port") {
    options.port = number;
    return inRange(name, value, number, 1, 65535);
  }
  if (name == "--max-clients") {
    options.maxClients = number;
    return inRange(name, value, number, 1, MOST_CLIENTS);
  }
  if (name == "--max-memory") {
    options.maxMemory = number;
    return inRange(name, value, number, 1, 1024);
  }
  if (name == "--timeout") {
    options.timeout = number;
    return inRange(name, value, number, 0, 86400);
  }
  return `unknown option "${name}"`;
}

function inRange(name: string, value: string, number: i32, least: i32, most: i32): string {
  if (number >= least && number <= most) return "";
  const given = value.length == 0 ? "nothing" : `"${value}"`;
  return `${name} takes a number from ${least} to ${most}, not ${given}`;
}

/** A number of at most six decimal digits, -1 for anything else. */
function parseNumber(text: string): i32 {
  if (text.length == 0 || text.length > 6) return -1;
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}
