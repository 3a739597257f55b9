// forkd: fork() for Karyon's appliances, in domain 0 of a stock Xen.
import { createProgram, runProgram } from "../support/cli.ts";
import { describeError, KaryonError } from "../support/errors.ts";
import { logger } from "../support/log.ts";
import { Daemon } from "./daemon.ts";
import { treeLines } from "./family.ts";
import { readRecords } from "./recover.ts";
import { Store } from "./xen/store.ts";
import { FAMILIES } from "./xenstore_nodes.ts";

async function runDaemon(): Promise<void> {
  const daemon = await Daemon.start((text) => logger.info(text));
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
program.command("run").description("serve every domain that offers fork, until SIGTERM").action(runDaemon);
program.command("status").description("print the tree of processes of every family").action(printStatus);
await runProgram(program);
