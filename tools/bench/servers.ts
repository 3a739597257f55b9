// The servers of a contest, ready to be measured: PV guests of the same Xen with one virtual CPU, the same memory and fixed
// addresses, in a lab of their own: all begin in the same state, and none sees what another left behind.
import { GUEST_SETTINGS } from "../lab/count/count.ts";
import { Lab, type LabOptions } from "../lab/lab.ts";
import type { Side } from "./comparison.ts";
import { WEB, type Contest, type ServerConfig } from "./contests.ts";

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
  /** Which servers; WEB when it is not given. */
  readonly contest?: Contest;
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
  const { contest = WEB, count = 1, memory = MEMORY } = options;
  const config = await contest.config(side);
  const lab = await Lab.start(options.lab ?? COUNTING);
  try {
    const guests = Array.from({ length: count }, (_, i) => newGuest(side, FIRST_ADDRESS + i));
    for (const guest of guests) await createPaused(lab, config, guest, memory);
    return { lab, guests, begin: () => untilAllAnswer(lab, contest, guests), [Symbol.asyncDispose]: () => lab.stop() };
  } catch (error) {
    await lab.stop();
    throw error;
  }
}

function newGuest(side: Side, host: number): Guest {
  return { name: `${side}-${host}`, address: `10.0.2.${host}` };
}

async function createPaused(lab: Lab, config: ServerConfig, { name, address }: Guest, memory: number): Promise<void> {
  const extra = [...GUEST_SETTINGS, `name = "${name}"`, `memory = ${memory}`, config.addressLine(`${address}/24`)];
  await lab.create(config.cfg, { extra, args: ["-p"], timeoutMs: CREATE_TIMEOUT_MS });
}

async function untilAllAnswer(lab: Lab, contest: Contest, guests: readonly Guest[]): Promise<void> {
  const begin = guests.map(({ name }) => `xl unpause '${name}'`);
  const ask = guests.map(({ address }) => `until ${contest.answers(address)}; do sleep 0.05; done`);
  await lab.run([...begin, ...ask].join("; "), { timeoutMs: BOOT_TIMEOUT_MS * guests.length });
}
