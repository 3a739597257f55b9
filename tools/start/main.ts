// npm start: builds an appliance, boots it on Xen, says at which URL it answers and follows its console until Ctrl-C.
// `npm start -- prefork` boots a family of workers and shows it live instead. On a Xen dom0 it uses that host; anywhere else, the lab. KARYON_HOST (dom0, lab) decides otherwise.
import { Option } from "commander";
import { fileURLToPath } from "node:url";
import { buildImage, type Image } from "../image/build.ts";
import { createProgram, runProgram } from "../support/cli.ts";
import { KaryonError } from "../support/errors.ts";
import { logger } from "../support/log.ts";
import { setting } from "../support/setting.ts";
import { dom0Host, isDom0, labHost, type XenHost } from "./host.ts";
import { PREFORK, showPrefork } from "./prefork.ts";

const DEMO = fileURLToPath(new URL("../../apps/httpd", import.meta.url));
const ADDRESS_TIMEOUT_MS = 30_000;
const ADDRESS = /net: eth0 (\d+\.\d+\.\d+\.\d+)\//;

interface StartOptions {
  readonly port: number;
  readonly hostPort: number;
}

const program = createProgram("start", "Boots an appliance on Xen and follows its console; Ctrl-C takes it all down.")
  .argument("[app]", "its folder, or a manifest in it; or prefork: a web server and its workers, live", DEMO)
  .addOption(new Option("-p, --port <port>", "the TCP port it listens on").default(80).argParser(Number))
  .addOption(new Option("--host-port <port>", "the port on 127.0.0.1 (lab only; 0: any)").default(0).argParser(Number))
  .action(start);

async function start(app: string, options: StartOptions): Promise<void> {
  const interrupted = interruption();
  const live = app === "prefork";
  // Building and bringing up Xen share nothing, so they go side by side.
  const ready = await Promise.race([
    interrupted,
    Promise.all([chooseHost(), buildImage(live ? PREFORK : app, { progress: (stage) => logger.start(stage) })]),
  ]);
  if (ready === INTERRUPTED) return;
  const [host, image] = ready;
  let name: string | undefined;
  try {
    if (live) await host.serveForks();
    name = await host.create(image.cfg);
    logger.success(`${image.manifest.name} runs on ${host.title}`);
    const shown = live ? show(host, image, options, interrupted) : follow(host, name, image.manifest.network !== false, options); // prettier-ignore
    await Promise.race([interrupted, shown]);
  } finally {
    await host.close(name);
    logger.info("all taken down");
  }
}

async function follow(host: XenHost, name: string, networked: boolean, options: StartOptions): Promise<void> {
  const console = host.console(name);
  console.onText((added) => void process.stdout.write(added));
  const gone = host.gone(name);
  if (networked) await announce(host, console.waitFor(ADDRESS, ADDRESS_TIMEOUT_MS), gone, options);
  await gone;
  logger.info(`${name} has ended`);
}

async function show(host: XenHost, image: Image, { port, hostPort }: StartOptions, interrupted: Promise<unknown>) {
  const [, address = ""] = await host.console(image.manifest.name).waitFor(ADDRESS, ADDRESS_TIMEOUT_MS);
  await showPrefork(host, image, `http://${await host.reach(address, port, hostPort)}/`, interrupted);
}

async function announce(
  host: XenHost,
  addressed: Promise<RegExpExecArray>,
  gone: Promise<void>,
  { port, hostPort }: StartOptions,
): Promise<void> {
  const found = await Promise.race([addressed, gone]);
  const address = found?.[1];
  if (address === undefined) throw new KaryonError("NO_ADDRESS", "it ended before it had an address");
  logger.box(`http://${await host.reach(address, port, hostPort)}/\n\nCtrl-C takes it all down`);
}

async function chooseHost(): Promise<XenHost> {
  const wanted = setting("KARYON_HOST", ["auto", "dom0", "lab"]);
  const real = wanted === "dom0" || (wanted === "auto" && (await isDom0()));
  return real ? dom0Host() : labHost();
}

const INTERRUPTED = Symbol("interrupted");

/** Resolves at the first Ctrl-C; a second one ends the process at once. */
function interruption(): Promise<typeof INTERRUPTED> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(130));
        resolve(INTERRUPTED);
      });
    }
  });
}

await runProgram(program);
// What is still under way after Ctrl-C or an error would keep the process alive; the lab goes with it.
process.exit();
