// The two servers that are compared: Karyon's httpd, and nginx on Linux as a Debian user has it. Both are PV guests of the same
// Xen with one virtual CPU, the same memory, the same files and a fixed address, each in a lab of its own that counts
// instructions: all begin in the same state, and none sees what another left behind.
import { GUEST_SETTINGS, type Instructions } from "../lab/count/count.ts";
import { Lab } from "../lab/lab.ts";
import type { Side } from "./comparison.ts";
import { FILES } from "./http/loads.ts";
import { filesImage } from "./images.ts";
import { serverGuest } from "./peers/server_guest.ts";
import { NGINX } from "./peers/servers.ts";

export const ADDRESS = "10.0.2.20";
export const SERVER_TITLES: Readonly<Record<Side, string>> = { karyon: "httpd on Karyon", linux: NGINX.title };

/** MiB: what the peer needs. */
const MEMORY = 128;
const CREATE_TIMEOUT_MS = 180_000;
const BOOT_TIMEOUT_MS = 300_000;

/** A server that answers. */
export interface Server extends AsyncDisposable {
  readonly lab: Lab;
  /** What its CPU executed from its creation to the first answer. */
  readonly boot: Instructions;
}

/** Boots one in a new lab. */
export async function bootServer(side: Side): Promise<Server> {
  const cfg = await config(side);
  const lab = await Lab.start({ accelerator: "icount" });
  try {
    // A paused domain has executed nothing yet: what is counted is the guest's own, from its first instruction on.
    const extra = [...GUEST_SETTINGS, `memory = ${MEMORY}`];
    const { name } = await lab.create(cfg, { extra, args: ["-p"], timeoutMs: CREATE_TIMEOUT_MS });
    const boot = await lab.countInstructions(() => firstAnswer(lab, name));
    return { lab, boot, [Symbol.asyncDispose]: () => lab.stop() };
  } catch (error) {
    await lab.stop();
    throw error;
  }
}

async function config(side: Side): Promise<string> {
  const files = Object.fromEntries(Object.entries(FILES).map(([name, size]) => [name, content(size)]));
  const address = `${ADDRESS}/24`;
  return side === "linux"
    ? serverGuest(NGINX, { address, memory: MEMORY, files })
    : (await filesImage(files, address)).cfg;
}

/** Text that is not all the same. */
function content(size: number): Buffer {
  const line = "The quick brown fox jumps over the lazy dog. 0123456789 Karyon\n";
  return Buffer.from(line.repeat(Math.ceil(size / line.length)).slice(0, size));
}

async function firstAnswer(lab: Lab, name: string): Promise<void> {
  const answered = `curl -s -f -o /dev/null --connect-timeout 1 http://${ADDRESS}/`;
  await lab.run(`xl unpause '${name}'; until ${answered}; do sleep 0.05; done`, { timeoutMs: BOOT_TIMEOUT_MS });
}
