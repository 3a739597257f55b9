// forkd: fork() for Karyon's appliances, in domain 0 of a stock Xen.
import { InvalidArgumentError, Option } from "commander";
import { createProgram, runProgram } from "../support/cli.ts";
import { describeError, KaryonError } from "../support/errors.ts";
import { logger } from "../support/log.ts";
import { WAYS, type Way } from "./births.ts";
import { Daemon } from "./daemon.ts";
import { treeLines } from "./family.ts";
import { readRecords } from "./recover.ts";
import { Store } from "./xen/store.ts";
import { FAMILIES } from "./xenstore_nodes.ts";

const DEFAULT_POOL = 1;
const LARGEST_POOL = 64;

function count(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0 && value <= LARGEST_POOL) return value;
  throw new InvalidArgumentError(`a number from 0 to ${LARGEST_POOL} is wanted`);
}

async function runDaemon(options: { readonly way: Way; readonly pool: number }): Promise<void> {
  const daemon = await Daemon.start((text) => logger.info(text), { way: options.way, poolSize: options.pool });
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
    if (stopping) return;
    logger.error(describeError(new KaryonError("XENSTORE", "xenstored has closed the connection")));
    process.exit(1);
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

const program = createProgram("forkd", "Gives Karyon's appliances fork(), on a stock Xen.");
program
  .command("run")
  .description("serve every domain that offers fork, until SIGTERM")
  .addOption(new Option("--way <way>", "the best way to make children").choices(WAYS).default("pool"))
  .addOption(
    new Option("--pool <n>", "domains that stand ready for each parent").argParser(count).default(DEFAULT_POOL),
  )
  .action(runDaemon);
program.command("status").description("print the tree of processes of every family").action(printStatus);
await runProgram(program);
