// `npm run bench -- profile <app>`: boots an app in the lab that counts instructions, gives it work, and shows on which functions
// its CPU spent them: of the app, of libOS and kernel, and of Xen on its behalf.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { buildImage, type Image } from "../../image/build.ts";
import { displayPath } from "../../image/paths.ts";
import { readSymbolTable } from "../../image/symbols.ts";
import { GUEST_SETTINGS } from "../../lab/count/count.ts";
import { Lab } from "../../lab/lab.ts";
import { section } from "../../support/elf.ts";
import { KaryonError } from "../../support/errors.ts";
import { logger } from "../../support/log.ts";
import { addressLine } from "../addresses.ts";
import { request, type Clients } from "../http/client.ts";
import { attribute, type Profile } from "./attribute.ts";
import { profileText } from "./text.ts";

const ADDRESS = "10.0.2.20";
const ADDRESS6 = "fd00::20";
/** The bridge of the lab's dom0, and the address there of who asks. */
const CLIENT6 = "ip -6 addr replace fd00::1/64 dev xenbr0 nodad";
const TIMEOUT_MS = 180_000;
const ATTEMPTS = 1000;
/** Requests that are not measured: the first ones take paths that no other takes. */
const WARM_UP = 20;

/** What is profiled, and how much of it is shown. */
export interface ProfileOptions extends Clients {
  /** Requests whose instructions are sampled. */
  readonly requests: number;
  readonly path: string;
  /** Requests go over IPv6. */
  readonly ipv6: boolean;
  /** The way from the first instruction to the first answer (to the end, for an app without a network) in place of requests. */
  readonly boot: boolean;
  /** Functions in the table. */
  readonly top: number;
  /** Where all functions go as JSON. */
  readonly json?: string;
}

/** Profiles the app in `folder` and prints where its instructions went. */
export async function profileApp(folder: string, options: ProfileOptions): Promise<void> {
  const image = await buildImage(folder, { progress: (stage) => logger.start(stage) });
  const networked = image.manifest.network !== false;
  if (!networked && !options.boot) {
    const mend = "give it a network in karyon.json, or profile its whole run with --boot";
    throw new KaryonError("PROFILE_NETWORK", `${image.manifest.name} has no network to send requests to`, mend);
  }
  const functions = readSymbolTable(section(await readFile(image.symbols), ".symbols").content);
  const samples = await sample(image, options, networked);
  const profile = attribute(samples, functions);
  const operations = options.boot ? 1 : options.requests;
  process.stdout.write(`${profileText(profile, operations, options.top)}\n`);
  if (options.json !== undefined) await keep(profile, operations, resolve(options.json));
}

async function sample(image: Image, { boot, requests, path, ipv6, ...clients }: ProfileOptions, networked: boolean) {
  const { name } = image.manifest;
  await using lab = await Lab.start({ accelerator: "icount" });
  const extra = [
    ...GUEST_SETTINGS,
    ...(networked ? [addressLine(image, `${ADDRESS}/24`, ipv6 ? `${ADDRESS6}/64` : undefined)] : []),
  ];
  await lab.create(image.cfg, { extra, args: ["-p"], timeoutMs: TIMEOUT_MS });
  const url = `http://${ipv6 ? `[${ADDRESS6}]` : ADDRESS}${path}`;
  if (ipv6) await lab.run(CLIENT6);
  const start = (): Promise<void> => begin(lab, name, networked ? url : undefined);
  if (boot) {
    logger.start(`${name}: ${networked ? "boot to the first answer" : "its whole run"}`);
    return await lab.sampleInstructions(start);
  }
  logger.start(`${name}: boot, then ${requests} requests for ${path} by ${clients.clients} clients`);
  await start();
  await request(lab, url, Math.max(WARM_UP, clients.clients), clients);
  return await lab.sampleInstructions(() => request(lab, url, requests, clients));
}

/** Lets the domain run until it answers at `url`; without one, until it has ended. */
async function begin(lab: Lab, name: string, url: string | undefined): Promise<void> {
  const done =
    url === undefined ? `! xl domid '${name}' 2>/dev/null` : `curl -s -o /dev/null --connect-timeout 1 '${url}'`;
  const wait = `n=0; until ${done}; do n=$((n + 1)); [ $n -lt ${ATTEMPTS} ] || exit 1; sleep 0.05; done`;
  const { status } = await lab.sh(`xl unpause '${name}' && ${wait}`, { timeoutMs: TIMEOUT_MS });
  if (status === 0) return;
  const what = url === undefined ? "has not ended" : `does not answer at ${url}`;
  throw new KaryonError("PROFILE_GUEST", `${name} ${what} after ${ATTEMPTS} looks`);
}

async function keep(profile: Profile, operations: number, file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify({ operations, ...profile }, undefined, 1)}\n`);
  logger.success(`every function: ${displayPath(file)}`);
}
