// forkd: fork() for Karyon's appliances, in domain 0 of a stock Xen.
import { InvalidArgumentError, Option } from "commander";
import { createProgram, runProgram } from "../support/cli.ts";
import { describeError, KaryonError } from "../support/errors.ts";
import { logger } from "../support/log.ts";
import { WAYS, type Way } from "./births.ts";
import { Daemon } from "./daemon.ts";
import { treeLines } from "./family.ts";
import { parseCount, parsePages } from "./limits.ts";
import { readRecords } from "./records.ts";
import { Store } from "./xen/store.ts";
import { FAMILIES } from "./xenstore_nodes.ts";

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
  daemon.onLost(() => {
    if (!stopping) die(new KaryonError("XENSTORE", "xenstored has closed the connection"));
  });
  logger.success("forkd serves every domain that offers fork");
}

async function printStatus(): Promise<void> {
  const store = await Store.open();
  try {
    for (const family of await store.directory(FAMILIES)) {
      process.stdout.write(`family ${family}\n`);
      for (const line of treeLines(await readRecords(store, family))) process.stdout.write(`  ${line}\n`);
    }
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
program.command("status").description("print the tree of processes of every family").action(printStatus);
await runProgram(program);
