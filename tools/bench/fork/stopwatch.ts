// A program for the lab's dom0: runs commands one after the other and tells after how long a text appeared in a file,
// counted from the start of the first command. Prints {"milliseconds": …} or {"error": …}.
import { spawn } from "node:child_process";
import { existsSync, readFileSync, watch } from "node:fs";
import { dirname } from "node:path";

/** What it is asked for, as JSON in its only argument. */
export interface StopwatchOrder {
  readonly commands: readonly (readonly string[])[];
  readonly file: string;
  /** A regular expression. */
  readonly text: string;
  readonly timeoutMs: number;
}

/** What it answers. */
export interface StopwatchAnswer {
  readonly milliseconds?: number;
  readonly error?: string;
}

function appearance({ file, text, timeoutMs }: StopwatchOrder): Promise<number> {
  const pattern = new RegExp(text, "m");
  return new Promise((resolve, reject) => {
    const look = (): void => {
      if (!existsSync(file) || !pattern.test(readFileSync(file, "latin1"))) return;
      resolve(performance.now());
      watcher.close();
      clearTimeout(timer);
    };
    const watcher = watch(dirname(file), look);
    const timer = setTimeout(() => {
      watcher.close();
      reject(new Error(`no ${text} in ${file} after ${timeoutMs} ms`));
    }, timeoutMs);
  });
}

function run([program = "", ...args]: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    child.stdout.on("data", (bytes: Buffer) => (said += bytes.toString()));
    child.stderr.on("data", (bytes: Buffer) => (said += bytes.toString()));
    child.on("error", reject);
    // Not "close": xl leaves a process behind that keeps its output open.
    child.on("exit", (status) =>
      status === 0 ? resolve() : reject(new Error(`${program} ${args.join(" ")}: status ${status}\n${said}`)),
    );
  });
}

async function measure(order: StopwatchOrder): Promise<StopwatchAnswer> {
  const seen = appearance(order);
  seen.catch(() => undefined);
  const start = performance.now();
  try {
    for (const command of order.commands) await run(command);
    return { milliseconds: (await seen) - start };
  } catch (error) {
    return { error: String(error) };
  }
}

const answer = await measure(JSON.parse(process.argv[2] ?? "{}") as StopwatchOrder);
process.stdout.write(`${JSON.stringify(answer)}\n`, () => process.exit(0));
