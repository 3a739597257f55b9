// forkd: fork() for Karyon's appliances, in domain 0 of a stock Xen.
import { setFlagsFromString } from "node:v8";
import { InvalidArgumentError, Option } from "commander";
import { createProgram, runProgram } from "../support/cli.ts";
import { describeError } from "../support/errors.ts";
import { logger } from "../support/log.ts";
import { WAYS, type Way } from "./birth/births.ts";
import { Daemon } from "./daemon.ts";
import { parseCount, parsePages } from "./family/limits.ts";
import { lockHost } from "./lock.ts";
import { checkDevices } from "./preconditions.ts";
import { parseSignal, sendFromOutside } from "./family/operator.ts";
import { readStatus, statusTable } from "./family/status.ts";
import { XenControl } from "./xen/control.ts";
import { ForeignMemory } from "./xen/foreign_memory.ts";
import { Host } from "./xen/host.ts";
import { Store } from "./xen/store.ts";

const LARGEST_POOL = 64;

/** Options of `forkd run`. */
interface RunOptions {
  readonly children: number;
  readonly keepFree: number;
  readonly rate: number;
  readonly way: Way;
  readonly pool: number;
}

/** Ends at once. process.exit() would wait for the thread that reads events, and parents for a daemon that does nothing. */
function die(why: unknown): void {
  logger.error(describeError(why));
  process.kill(process.pid, "SIGKILL");
}

async function runDaemon({ children, keepFree, rate, way, pool }: RunOptions): Promise<void> {
  // What runs at a fork runs seldom: V8 would go on interpreting it. It compiles it at its first call instead.
  setFlagsFromString("--always-sparkplug");
  await checkDevices();
  lockHost();
  const limits = { children, leastFreePages: keepFree, forksPerSecond: rate };
  const daemon = await Daemon.start((text) => logger.info(text), { limits, births: { way, poolSize: pool } });
  process.on("uncaughtException", die);
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    daemon.stop().catch((error: unknown) => {
      logger.error(describeError(error));
      process.exitCode = 1;
    });
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
  daemon.onLost((why) => {
    if (!stopping) die(why);
  });
  logger.success("forkd serves every domain that offers fork");
}

async function printStatus({ json = false }: { readonly json?: boolean }): Promise<void> {
  await checkDevices();
  const store = await Store.open();
  try {
    const families = await readStatus(store, new Host(new XenControl()), new ForeignMemory());
    process.stdout.write(json ? `${JSON.stringify(families, undefined, 2)}\n` : statusTable(families, new Date()));
  } finally {
    store.close();
  }
}

async function sendSignal(name: string, signal: string): Promise<void> {
  const number = parseSignal(signal);
  await checkDevices();
  const store = await Store.open();
  try {
    await sendFromOutside(store, name, number);
  } finally {
    store.close();
  }
}

/** A number from 0 to 64. @throws Error that says what was expected */
function parsePool(text: string): number {
  if (/^\d{1,2}$/.test(text) && Number(text) <= LARGEST_POOL) return Number(text);
  throw new Error(`expected a number from 0 to ${LARGEST_POOL}`);
}

const FAMILY_LIMITS = `
A guest's own limits are in its kernel command line (xl.cfg: extra = "… fork=8 fork-memory=64M fork-rate=100"):
  fork=<number>         children that the family may have; without it the guest may not fork
  fork-memory=<size>    memory of all the family's domains together
  fork-rate=<number>    forks per second of the family
A fork beyond a limit fails: with ENOMEM where memory is concerned, else with EAGAIN.`;

const STATUS_COLUMNS = `
OWN is memory that is charged to the domain; SHARED is memory of others that it can be using, at most; CPU is the time that
its virtual CPU has run. A "shell" stands ready to become the process of its number.`;

function limit(flags: string, description: string, parse: (text: string) => number, standard: string): Option {
  return new Option(flags, description).default(parse(standard), standard).argParser((text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError(error instanceof Error ? error.message : "");
    }
  });
}

const program = createProgram("forkd", "Gives Karyon's appliances fork(), on a stock Xen.");
program
  .command("run")
  .description("serve every domain that offers fork, until SIGTERM")
  .addOption(new Option("--way <way>", "the best way to make children").choices(WAYS).default("pool"))
  .addOption(limit("--pool <number>", "domains that stand ready for each parent that forks", parsePool, "1"))
  .addOption(limit("--children <number>", "children that all families together may have", parseCount, "1000"))
  .addOption(limit("--keep-free <size>", "memory of the host that forks leave free, 0M for none", parsePages, "32M"))
  .addOption(limit("--rate <number>", "forks per second of all families together", parseCount, "1000"))
  .addHelpText("after", FAMILY_LIMITS)
  .action(runDaemon);
program
  .command("status")
  .description("print the tree of processes of every family")
  .option("--json", "for programs: sizes in pages of 4 KiB, times in ms")
  .addHelpText("after", STATUS_COLUMNS)
  .action(printStatus);
program
  .command("signal")
  .description("send a signal to a process of a family, as kill(1) does; needs a forkd that runs")
  .argument("<process>", "the domain's name or number: httpd, httpd-3")
  .argument("<signal>", "for example SIGHUP, HUP or 1")
  .action(sendSignal);
await runProgram(program);
