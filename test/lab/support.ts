// For the tests on real Xen: one lab per test file, started before its first test and gone after its last; every wait
// is bounded. The first lab of a machine is built from Debian's packages, which takes a minute or two.
import { after, before } from "node:test";
import { fileURLToPath } from "node:url";
import { buildImage, type Image } from "../../tools/image/build.ts";
import type { ConsoleStream } from "../../tools/lab/console.ts";
import { Lab, type CreateOptions, type LabOptions } from "../../tools/lab/lab.ts";

/** Time a guest gets to boot and have an address; emulation on a busy machine is slow. */
export const BOOT_TIMEOUT_MS = 60_000;
/** Time for a suite's start: the first ever fetches and builds the lab. */
export const START_TIMEOUT_MS = 600_000;

const MAC = /net: connected to domain \d+, address (\S+),/;
const ADDRESS = /net: eth0 (\d+\.\d+\.\d+\.\d+)\//;
let domains = 0;

/** The lab of the running test file: call once at its top level, and the result in the tests. */
export function useLab(options: LabOptions = {}): () => Lab {
  let lab: Lab | undefined;
  before(
    async () => {
      lab = await Lab.start(options);
    },
    { timeout: START_TIMEOUT_MS },
  );
  after(() => lab?.stop());
  return () => {
    if (lab === undefined) throw new Error("the lab is there only while tests run");
    return lab;
  };
}

const images = new Map<string, Promise<Image>>();

/** The image of an app in this repository ("apps/httpd"), built once per process. */
export function imageOf(folder: string): Promise<Image> {
  let image = images.get(folder);
  if (image === undefined) {
    image = buildImage(fileURLToPath(new URL(`../../${folder}`, import.meta.url)));
    images.set(folder, image);
  }
  return image;
}

/** A domain under test; disposing of it destroys it. */
export class Guest {
  constructor(
    readonly lab: Lab,
    readonly name: string,
    readonly console: ConsoleStream,
  ) {}

  /** The address it announces on its console. */
  async address(timeoutMs = BOOT_TIMEOUT_MS): Promise<string> {
    const [, address = ""] = await this.console.waitFor(ADDRESS, timeoutMs);
    return address;
  }

  /**
   * Has domain 0 know its Ethernet address for good. A guest rests while it forks, for seconds when nothing stands ready and the host is an emulated one on a
   * busy machine: longer than ARP asks before connections fail.
   */
  async keepNeighbour(): Promise<void> {
    const [, mac = ""] = await this.console.waitFor(MAC, BOOT_TIMEOUT_MS);
    const address = await this.address();
    await this.lab.run(`ip neigh replace ${address} lladdr ${mac} nud permanent dev xenbr0`);
  }

  /** A base URL on this host that leads to the guest's `port`. */
  async url(port = 80): Promise<string> {
    const hostPort = await this.lab.hostForward(0, await this.address(), port);
    return `http://127.0.0.1:${hostPort}`;
  }

  /** Whether the domain exists. */
  async exists(): Promise<boolean> {
    return (await this.lab.sh(`xl domid '${this.name}'`)).status === 0;
  }

  /** Waits until the domain is gone. */
  async gone(timeoutMs = BOOT_TIMEOUT_MS): Promise<void> {
    const command = `while xl domid '${this.name}'; do timeout 5 xenstore-watch -n 2 @releaseDomain; done`;
    await this.lab.run(`{ ${command}; } >/dev/null 2>&1; true`, { timeoutMs });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.console.close();
    await this.lab.sh(`xl destroy '${this.name}'`);
  }
}

/** Options of boot. */
export interface BootOptions extends CreateOptions {
  /** The kernel command line instead of the image's own. */
  readonly commandLine?: string;
  /** MiB instead of the image's own. */
  readonly memory?: number;
}

/** Boots an app (a folder of this repository, or an xl configuration) under a name of its own. */
export async function boot(lab: Lab, app: string, options: BootOptions = {}): Promise<Guest> {
  const cfg = app.endsWith(".cfg") ? app : (await imageOf(app)).cfg;
  // Consoles are logged by name, so a name is never used twice.
  const name = `${app.replace(/^.*\//, "").replace(/\.(?:cfg|json)$/, "")}-${++domains}`;
  const { commandLine, memory, ...rest } = options;
  const extra = [`name = "${name}"`, ...(options.extra ?? [])];
  if (commandLine !== undefined) extra.push(`extra = ${quoted(commandLine)}`);
  if (memory !== undefined) extra.push(`memory = ${memory}`);
  const console = lab.console(name);
  try {
    await lab.create(cfg, { timeoutMs: BOOT_TIMEOUT_MS, ...rest, extra });
  } catch (error) {
    console.close();
    throw error;
  }
  return new Guest(lab, name, console);
}

/** A string of xl.cfg. */
function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n")}"`;
}
