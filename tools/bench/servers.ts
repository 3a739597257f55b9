// The two servers that are compared: Karyon's httpd, and nginx on Linux as a Debian user has it. Both are PV guests of the same
// Xen with one virtual CPU, the same memory, the same files and fixed addresses, in a lab of their own: all begin in the
// same state, and none sees what another left behind.
import type { Image } from "../image/build.ts";
import { GUEST_SETTINGS } from "../lab/count/count.ts";
import { Lab, type LabOptions } from "../lab/lab.ts";
import { addressLine } from "./addresses.ts";
import type { Side } from "./comparison.ts";
import { FILES } from "./http/loads.ts";
import { filesImage } from "./images.ts";
import { serverAddressLine, serverGuest } from "./peers/server_guest.ts";
import { NGINX } from "./peers/servers.ts";

export const SERVER_TITLES: Readonly<Record<Side, string>> = { karyon: "httpd on Karyon", linux: NGINX.title };

/** A lab that counts instructions, … */
export const COUNTING: LabOptions = { accelerator: "icount" };
/** … and one for times. */
export const TIMING: LabOptions = { spread: true };

/** MiB: enough for the peer. */
const MEMORY = 128;
const FIRST_ADDRESS = 20;
const CREATE_TIMEOUT_MS = 180_000;
const BOOT_TIMEOUT_MS = 300_000;

/** One guest that serves. */
export interface Guest {
  /** The domain's. */
  readonly name: string;
  /** "10.0.2.20" */
  readonly address: string;
}

/** Options of createServers. */
export interface ServerOptions {
  /** How many guests; one when it is not given. */
  readonly count?: number;
  /** MiB of each. */
  readonly memory?: number;
  /** The lab they are made in; COUNTING when it is not given. */
  readonly lab?: LabOptions;
}

/** Servers in a lab that ends with them. */
export interface Servers extends AsyncDisposable {
  readonly lab: Lab;
  readonly guests: readonly Guest[];
  /** Lets them run, all at the same time; returns when each has answered. They have executed nothing before. */
  begin(): Promise<void>;
}

/** One server. */
export interface Server extends Servers, Guest {}

/** Boots one server; returns when it answers. */
export async function bootServer(side: Side, options: ServerOptions = {}): Promise<Server> {
  const server = await createServer(side, options);
  try {
    await server.begin();
    return server;
  } catch (error) {
    await server.lab.stop();
    throw error;
  }
}

/** Makes one server. */
export async function createServer(side: Side, options: ServerOptions = {}): Promise<Server> {
  const servers = await createServers(side, options);
  return { ...servers, ...(servers.guests[0] as Guest) };
}

/** Makes servers. */
export async function createServers(side: Side, options: ServerOptions = {}): Promise<Servers> {
  const { count = 1, memory = MEMORY } = options;
  const config = await serverConfig(side);
  const lab = await Lab.start(options.lab ?? COUNTING);
  try {
    const guests = Array.from({ length: count }, (_, i) => newGuest(side, FIRST_ADDRESS + i));
    for (const guest of guests) await createPaused(lab, config, guest, memory);
    return { lab, guests, begin: () => untilAllAnswer(lab, guests), [Symbol.asyncDispose]: () => lab.stop() };
  } catch (error) {
    await lab.stop();
    throw error;
  }
}

function newGuest(side: Side, host: number): Guest {
  return { name: `${side}-${host}`, address: `10.0.2.${host}` };
}

/** An xl configuration, and the line that gives a guest its address ("10.0.2.20/24"). */
export interface ServerConfig {
  readonly cfg: string;
  readonly addressLine: (address: string) => string;
}

/** The server of a side. */
export async function serverConfig(side: Side): Promise<ServerConfig> {
  if (side === "linux") {
    return { cfg: await serverGuest(NGINX, { files: servedFiles() }), addressLine: serverAddressLine };
  }
  const image = await servedImage();
  return { cfg: image.cfg, addressLine: (address) => addressLine(image, address) };
}

async function createPaused(lab: Lab, config: ServerConfig, { name, address }: Guest, memory: number): Promise<void> {
  const extra = [...GUEST_SETTINGS, `name = "${name}"`, `memory = ${memory}`, config.addressLine(`${address}/24`)];
  await lab.create(config.cfg, { extra, args: ["-p"], timeoutMs: CREATE_TIMEOUT_MS });
}

/** Karyon's image. */
export function servedImage(): Promise<Image> {
  return filesImage(servedFiles());
}

function servedFiles(): Record<string, Buffer> {
  return Object.fromEntries(Object.entries(FILES).map(([name, size]) => [name, content(size)]));
}

/** Text that is not all the same. */
function content(size: number): Buffer {
  const line = "The quick brown fox jumps over the lazy dog. 0123456789 Karyon\n";
  return Buffer.from(line.repeat(Math.ceil(size / line.length)).slice(0, size));
}

async function untilAllAnswer(lab: Lab, guests: readonly Guest[]): Promise<void> {
  const begin = guests.map(({ name }) => `xl unpause '${name}'`);
  const ask = guests.map(({ address }) => {
    const answered = `curl -s -f -o /dev/null --connect-timeout 1 http://${address}/`;
    return `until ${answered}; do sleep 0.05; done`;
  });
  await lab.run([...begin, ...ask].join("; "), { timeoutMs: BOOT_TIMEOUT_MS });
}
