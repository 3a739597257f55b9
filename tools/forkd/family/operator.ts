// Signals from domain 0: xl knows none but the wish to end a domain. `forkd signal` writes a node below /karyon/signals, whose value is
// "<family's uuid> <pid> <signal>"; the forkd that runs sends the signal and writes the outcome in the value's place: "done <0 or errno>".
// Who asked removes the node. What nobody has taken when a forkd starts is forgotten: a signal is for now, not for later.
import { randomUUID } from "node:crypto";
import { constants } from "node:os";
import { KaryonError } from "../../support/errors.ts";
import { readRecords } from "./records.ts";
import type { Members } from "./members.ts";
import type { Signals } from "./signals.ts";
import type { Store } from "../xen/store.ts";
import { FAMILIES } from "../xenstore_nodes.ts";

const SIGNALS = "/karyon/signals";
const REQUEST = /^([0-9a-f-]{36}) (\d{1,9}) (\d{1,2})$/;
const OUTCOME = /^done (\d+)$/;
const PATIENCE_MS = 10_000;
const ESRCH = 3;
const LAST_SIGNAL = 31;

/** What of xenstore is used. */
export type SignalStore = Pick<Store, "directory" | "read" | "remove" | "watch" | "write">;

/** Takes requests from domain 0. */
export class OperatorSignals {
  constructor(
    private readonly store: SignalStore,
    private readonly members: Pick<Members, "family">,
    private readonly signals: Pick<Signals, "deliver">,
    private readonly later: (work: () => Promise<void>) => void,
  ) {}

  /** Begins to listen. */
  async listen(): Promise<void> {
    await this.store.remove(SIGNALS);
    await this.store.watch(SIGNALS, (path) => {
      if (path !== SIGNALS) this.later(() => this.#serve(path));
    });
  }

  async #serve(path: string): Promise<void> {
    const found = REQUEST.exec((await this.store.read(path)) ?? "");
    if (found === null) return; // our own answer, or its removal
    const [, family = "", pid = "", signal = ""] = found;
    const target = this.members.family(family)?.members.get(Number(pid));
    const result = target === undefined ? ESRCH : -this.signals.deliver(target, Number(signal));
    await this.store.write(path, `done ${result}`);
  }
}

/**
 * The number of a signal that a person has written as HUP, SIGHUP or 1.
 *
 * @throws KaryonError FORKD_SIGNAL
 */
export function parseSignal(text: string): number {
  const name = text.toUpperCase().replace(/^(?:SIG)?/, "SIG") as NodeJS.Signals;
  const number = /^\d{1,2}$/.test(text) ? Number(text) : constants.signals[name];
  if (Number.isInteger(number) && number > 0 && number <= LAST_SIGNAL) return number;
  throw new KaryonError("FORKD_SIGNAL", `"${text}" is no signal`, "for example SIGHUP, HUP or 1; 1 to 31");
}

/**
 * Has the forkd that runs send `signal` to the process `name`, a domain's name or number.
 *
 * @throws KaryonError FORKD_NO_PROCESS, FORKD_SILENT
 */
export async function sendFromOutside(
  store: SignalStore,
  name: string,
  signal: number,
  patience: number = PATIENCE_MS,
): Promise<void> {
  const { family, pid } = await findProcess(store, name);
  const path = `${SIGNALS}/${randomUUID()}`;
  try {
    const outcome = await ask(store, path, `${family} ${pid} ${signal}`, patience);
    if (outcome === ESRCH) throw noProcess(name, "has ended");
    if (outcome !== 0) throw new KaryonError("FORKD_SIGNAL", `forkd cannot send the signal to ${name}: see its log`);
  } finally {
    await store.remove(path);
  }
}

async function findProcess(store: SignalStore, name: string): Promise<{ family: string; pid: number }> {
  for (const family of await store.directory(FAMILIES)) {
    const records = await readRecords(store, family);
    const running = records.filter(({ state }) => state === "running");
    const found = running.find((record) => record.name === name || String(record.domain) === name);
    if (found !== undefined) return { family, pid: found.pid };
  }
  throw noProcess(name, "is not a process of a family");
}

function noProcess(name: string, why: string): KaryonError {
  return new KaryonError("FORKD_NO_PROCESS", `${name} ${why}`, "forkd status lists the processes there are");
}

async function ask(store: SignalStore, path: string, request: string, patience: number): Promise<number> {
  let timer: NodeJS.Timeout | undefined;
  const answered = new Promise<number>((resolve, reject) => {
    const look = async (): Promise<void> => {
      const found = OUTCOME.exec((await store.read(path)) ?? "");
      if (found !== null) resolve(Number(found[1]));
    };
    store.watch(path, () => void look().catch(reject)).catch(reject);
    const silent = new KaryonError("FORKD_SILENT", "no forkd answers", "start it: forkd run, or systemctl start forkd");
    timer = setTimeout(() => reject(silent), patience);
  });
  try {
    await store.write(path, request);
    return await answered;
  } finally {
    clearTimeout(timer);
  }
}
