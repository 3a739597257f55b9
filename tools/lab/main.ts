// npm run lab -- up | sh | create | console | forward | pcap | status | down: a Xen host to try things on.
import { InvalidArgumentError } from "commander";
import { describeError } from "../support/errors.ts";
import { createProgram, runProgram } from "../support/cli.ts";
import { logger } from "../support/log.ts";
import { Lab } from "./lab.ts";
import { capture } from "./pcap.ts";
import { findRunning, forgetRunning, recordRunning, requireRunning } from "./running.ts";
import { withLock } from "../debian/cache.ts";

const SHELL_LIMIT_MS = 24 * 3600 * 1000;

// Ends by way of exit handlers, which take a lab that is half up along.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(130));

/** A number above zero, of the command line. */
function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < Infinity)) throw new InvalidArgumentError("not a number above 0");
  return value;
}

const program = createProgram("lab", "A real Xen host inside QEMU: no root, no Xen needed.").enablePositionalOptions();

program
  .command("up")
  .description("start the lab and leave it running; the first time fetches and builds what it takes")
  .action(() =>
    withLock("lab-up", async () => {
      const running = await findRunning();
      if (running !== undefined) return logger.info(`already up: QEMU is process ${running.handle.pid}`);
      const start = Date.now();
      const lab = await Lab.start({ detached: true });
      await recordRunning(lab);
      const seconds = ((Date.now() - start) / 1000).toFixed(1);
      logger.success(`Xen is up after ${seconds} s (${lab.handle.accelerator}); QEMU is process ${lab.handle.pid}`);
      logger.info("try: npm run lab -- sh xl list");
    }),
  );

program
  .command("sh")
  .description("run a command line in dom0; its exit status becomes this command's")
  .argument("<command...>", "for example: xl list")
  .passThroughOptions()
  .action(async (words: string[]) => {
    const lab = await requireRunning();
    const { status } = await lab.exec(["sh", "-c", words.join(" ")], {
      timeoutMs: SHELL_LIMIT_MS,
      onStdout: (bytes) => void process.stdout.write(bytes),
      onStderr: (bytes) => void process.stderr.write(bytes),
    });
    process.exitCode = status;
  });

program
  .command("create")
  .description("copy an image into dom0 and xl create it")
  .argument("<cfg>", "for example: build/hello/hello.cfg")
  .action(async (cfg: string) => {
    const { name, id } = await (await requireRunning()).create(cfg);
    logger.success(`domain ${id} is ${name}; its console: npm run lab -- console ${name}`);
  });

program
  .command("console")
  .description("show a domain's console from its first line on, and type into it; Ctrl-C leaves it")
  .argument("<name>", "the domain's name")
  .action(async (name: string) => {
    const lab = await requireRunning();
    const stream = lab.console(name);
    stream.onText((added) => void process.stdout.write(added));
    process.stdin.setEncoding("utf8").on("data", (typed: string) => {
      lab.type(name, typed).catch((error: unknown) => logger.error(describeError(error)));
    });
  });

program
  .command("forward")
  .description("make a guest's TCP port reachable on 127.0.0.1")
  .argument("<address>", "the guest's address, for example 10.0.2.100")
  .argument("<port>", "the guest's port", Number)
  .argument("[host-port]", "the port on 127.0.0.1; any free one by default", Number, 0)
  .action(async (address: string, port: number, hostPort: number) => {
    const taken = await (await requireRunning()).hostForward(hostPort, address, port);
    process.stdout.write(`127.0.0.1:${taken}\n`);
  });

program
  .command("pcap")
  .description("write what passes a guest's network interface into a capture file; Ctrl-C ends it")
  .argument("<domain>", "the domain's name")
  .argument("[file]", "where to; <domain>.pcap by default")
  .option("--seconds <n>", "end after so long", positive)
  .option("--packets <n>", "end after so many packets", positive)
  .action(async (name: string, file: string | undefined, limits: { seconds?: number; packets?: number }) => {
    const lab = await requireRunning();
    const end = new AbortController();
    process.removeAllListeners("SIGINT").once("SIGINT", () => end.abort());
    const path = file ?? `${name}.pcap`;
    const onStart = (): void => logger.info(`capturing into ${path}; Ctrl-C ends it`);
    const packets = await capture(lab, name, path, { ...limits, signal: end.signal, onStart });
    logger.success(`${packets} packets in ${path}`);
  });

program
  .command("status")
  .description("say whether the lab is up, and which domains run in it")
  .action(async () => {
    const lab = await findRunning();
    if (lab === undefined) {
      logger.info("no lab is running");
      process.exitCode = 3;
      return;
    }
    logger.info(`up: QEMU is process ${lab.handle.pid} (${lab.handle.accelerator})`);
    process.stdout.write(`${await lab.run("xl list")}\n`);
  });

program
  .command("down")
  .description("end the lab and every domain in it")
  .action(() =>
    withLock("lab-up", async () => {
      const lab = await findRunning();
      await lab?.stop();
      await forgetRunning();
      logger.success(lab === undefined ? "no lab was running" : "the lab is down");
    }),
  );

await runProgram(program);
