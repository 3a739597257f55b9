// What fork() is compared with, by the same toolstack a user has: `xl create` of the image, and `xl save -c` of a running
// domain followed by `xl restore` of the copy. Timed in dom0, from the start of xl to the first output.
import { fileURLToPath } from "node:url";
import { randomUUID } from "node:crypto";
import type { Image } from "../../image/build.ts";
import { bundle } from "../../lab/bundle.ts";
import type { Lab } from "../../lab/lab.ts";
import { KaryonError } from "../../support/errors.ts";
import { destroyFamily, guestLines, newName, type ForkGuest } from "./guest.ts";
import type { StopwatchAnswer, StopwatchOrder } from "./stopwatch.ts";

const SOURCE = fileURLToPath(new URL("stopwatch.ts", import.meta.url));
const PROGRAM = "/tmp/bench/stopwatch.mjs";
const SAVED = "/tmp/bench/saved";
const TIMEOUT_MS = 180_000;
const prepared = new WeakSet<Lab>();

/**
 * ns from `xl create` to the app's first output, or with a network device until it has an address; the domain is gone
 * afterwards.
 */
export async function timeCreate(lab: Lab, image: Image, memory: number, network: boolean): Promise<number> {
  const name = newName();
  const { path } = await lab.place(image.cfg, guestLines(name, { memory, network }));
  try {
    return await time(lab, [["xl", "create", "-q", path]], name, network ? "net: eth0 \\d" : "^ready");
  } finally {
    await destroyFamily(lab, name);
  }
}

/** ns from `xl save -c` of `guest`, which goes on, to the first output of its copy; the copy is gone afterwards. */
export async function timeSaveRestore(lab: Lab, image: Image, guest: ForkGuest, memory: number): Promise<number> {
  const name = newName();
  const lines = [...guestLines(name, { memory }), `uuid = "${randomUUID()}"`];
  const { path } = await lab.place(image.cfg, lines);
  const commands = [
    ["xl", "save", "-c", guest.name, SAVED],
    ["xl", "restore", path, SAVED],
  ];
  try {
    return await time(lab, commands, name, "power: restored");
  } finally {
    await lab.sh(`rm -f ${SAVED}`);
    await destroyFamily(lab, name);
  }
}

async function time(lab: Lab, commands: StopwatchOrder["commands"], domain: string, text: string): Promise<number> {
  if (!prepared.has(lab)) await lab.copyIn(await bundle(SOURCE), PROGRAM);
  prepared.add(lab);
  const file = `/var/log/xen/console/guest-${domain}.log`;
  const order: StopwatchOrder = { commands, file, text, timeoutMs: TIMEOUT_MS };
  const { stdout } = await lab.exec(["node", PROGRAM, JSON.stringify(order)], { timeoutMs: 2 * TIMEOUT_MS });
  const { milliseconds, error = `stopwatch says ${stdout.toString()}` } = JSON.parse(
    stdout.toString() || "{}",
  ) as StopwatchAnswer;
  if (milliseconds === undefined) throw new KaryonError("BENCH_FAILED", error);
  return milliseconds * 1e6;
}
