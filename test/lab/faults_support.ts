// A forkd to which faults happen (dom0/faulty_forkd.ts), and a family that forks by order.
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { Lab } from "../../tools/lab/lab.ts";
import { FAULT_FILE, type FaultPlan } from "./dom0/fault_plan.ts";
import { bootFamily, WAYS, type FamilyOptions, type Way } from "./family_support.ts";
import { startForkd, type Forkd } from "./forkd_support.ts";
import { BOOT_TIMEOUT_MS, type Guest } from "./support.ts";

const ENTRY = fileURLToPath(new URL("dom0/faulty_forkd.ts", import.meta.url));
const ANSWER_MS = 90_000;
/** What an error of forkd may be to the one that forks. */
const FITTING = [11, 12]; // EAGAIN, ENOMEM
const SHOWN = 3000;
/** A child that never ran ends so for its parent. */
const SIGKILL = 9;

/** The way of this name. */
export function wayOf(wanted: string): Way {
  const way = WAYS.find(({ name }) => name === wanted);
  assert.ok(way, wanted);
  return way;
}

/** Starts a forkd to which faults can happen. */
export function startFaultyForkd(lab: Lab, way: Way, args: readonly string[] = []): Promise<Forkd> {
  return startForkd(lab, { args: [...way.args, ...args], entry: ENTRY });
}

/** Plans a fault; calls count from now. What forkd logs from here on begins at the offset that is returned. */
export async function arm({ lab, pid, output }: Forkd, plan: FaultPlan): Promise<number> {
  const from = output.text.length;
  await lab.run(`cat > ${FAULT_FILE} && kill -USR2 ${pid}`, { input: JSON.stringify(plan) });
  await output.waitFor(/fault armed/, ANSWER_MS, from);
  return from;
}

/** Waits for the fault that was planned at `from`. */
export async function faultHappened({ output }: Forkd, from: number): Promise<void> {
  await output.waitFor(/^fault [A-Z]/m, ANSWER_MS, from);
}

/** Whether the fault that was planned at `from` has happened. */
export function hasHappened({ output }: Forkd, from: number): boolean {
  return /^fault [A-Z]/m.test(output.text.slice(from));
}

/** Boots a family that forks by order, once `forkd` serves it. */
export async function bootOrders(forkd: Forkd, options: FamilyOptions = {}): Promise<OrderedFamily> {
  const guest = await bootFamily(forkd, "orders", { children: 4, ...options });
  await served(forkd, guest);
  return new OrderedFamily(guest);
}

/** Waits until a forkd serves a family's first process. */
export async function served({ output }: Forkd, { name }: Guest): Promise<void> {
  await output.waitFor(new RegExp(`${name} is process 1 `), BOOT_TIMEOUT_MS);
}

/** How a fork came out: errno, or a child and, once it has ended, its wait status. */
export type Outcome = { readonly pid: number; readonly status?: number } | { readonly errno: number };

/** A family whose first process forks at each line on its console. */
export class OrderedFamily {
  #orders = 0;

  constructor(readonly guest: Guest) {}

  /** Lets it fork once, without waiting for the outcome. */
  async order(): Promise<void> {
    this.#orders += 1;
    await this.guest.console.waitFor(new RegExp(`waiting for order ${this.#orders}\\b`), ANSWER_MS);
    await this.guest.lab.type(this.guest.name, "\n");
  }

  /** How the last order came out, and how its child has ended. */
  async outcome(): Promise<Outcome> {
    const pattern = new RegExp(`order ${this.#orders} (forked|failed) (\\d+)`);
    const [, how, value] = await this.guest.console.waitFor(pattern, ANSWER_MS);
    if (how === "failed") return { errno: Number(value) };
    const ended = new RegExp(`order ${this.#orders} ended (-?\\d+)`);
    const [, status] = await this.guest.console.waitFor(ended, ANSWER_MS);
    return { pid: Number(value), status: Number(status) };
  }

  /** What the last order's fork returned; undefined when the process ends first, or says nothing. */
  async told(timeoutMs: number): Promise<Outcome | undefined> {
    const pattern = new RegExp(`order ${this.#orders} (forked|failed) (\\d+)`);
    try {
      const [, how, value] = await this.guest.console.waitFor(pattern, timeoutMs);
      return how === "failed" ? { errno: Number(value) } : { pid: Number(value) };
    } catch {
      return undefined;
    }
  }

  /** Whether it comes to wait for the next order. */
  async waits(timeoutMs: number): Promise<boolean> {
    const pattern = new RegExp(`waiting for order ${this.#orders + 1}\\b`);
    return this.guest.console.waitFor(pattern, timeoutMs).then(
      () => true,
      () => false,
    );
  }

  /** One order from beginning to end. */
  async fork(): Promise<Outcome> {
    await this.order();
    return this.outcome();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.guest[Symbol.asyncDispose]();
  }
}

/** A fork without faults gives a child that works. */
export async function forksWell(family: OrderedFamily, { output }: Forkd): Promise<void> {
  const outcome = await explained(output.text, () => family.fork());
  assert.ok("pid" in outcome && outcome.status === 0, `${JSON.stringify(outcome)}\n${output.text.slice(-SHOWN)}`);
}

/** What may come of a fork when something goes wrong: a child that works, or ended before it ran, or a fitting errno. */
export function assertFitting(outcome: Outcome, what: string): void {
  if ("errno" in outcome) assert.ok(FITTING.includes(outcome.errno), `${what}: errno ${outcome.errno}`);
  else assert.ok(outcome.status === 0 || outcome.status === SIGKILL, `${what}: the child ended with ${outcome.status}`);
}

/** Does `work`; its failure tells what forkd has said. */
export async function explained<T>(text: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new Error(text.slice(-SHOWN), { cause: error });
  }
}
