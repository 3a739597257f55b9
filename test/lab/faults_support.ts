// A forkd to which faults happen (dom0/faulty_forkd.ts), and a family that forks by order.
import { fileURLToPath } from "node:url";
import type { Lab } from "../../tools/lab/lab.ts";
import { FAULT_FILE, type FaultPlan } from "./dom0/fault_plan.ts";
import { bootFamily, type FamilyOptions, type Way } from "./family_support.ts";
import { startForkd, type Forkd } from "./forkd_support.ts";
import { BOOT_TIMEOUT_MS, type Guest } from "./support.ts";

const ENTRY = fileURLToPath(new URL("dom0/faulty_forkd.ts", import.meta.url));
const ANSWER_MS = 90_000;

/** Starts a forkd to which faults can happen. */
export function startFaultyForkd(lab: Lab, way: Way): Promise<Forkd> {
  return startForkd(lab, { args: way.args, entry: ENTRY });
}

/** Plans a fault; calls count from now. What forkd logs from here on begins at the offset that is returned. */
export async function arm({ lab, pid, output }: Forkd, plan: FaultPlan): Promise<number> {
  const from = output.text.length;
  await lab.run(`cat > ${FAULT_FILE} && kill -USR2 ${pid}`, { input: JSON.stringify(plan) });
  await output.waitFor(/fault armed/, ANSWER_MS, from);
  return from;
}

/** The call that went wrong since `from`; undefined when none did. */
export function firedFault({ output }: Forkd, from: number): string | undefined {
  return /^fault \d+ (\S+)$/m.exec(output.text.slice(from))?.[1];
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

/** How a fork came out: a child and how it ended, or errno. */
export type Outcome = { readonly pid: number } | { readonly errno: number };

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

  /** How the last order came out. */
  async outcome(): Promise<Outcome> {
    const pattern = new RegExp(`order ${this.#orders} (forked|failed) (\\d+)`);
    const [, how, value] = await this.guest.console.waitFor(pattern, ANSWER_MS);
    return how === "forked" ? { pid: Number(value) } : { errno: Number(value) };
  }

  /** The wait status of the child of the last order. */
  async status(): Promise<number> {
    const pattern = new RegExp(`order ${this.#orders} ended (-?\\d+)`);
    const [, status] = await this.guest.console.waitFor(pattern, ANSWER_MS);
    return Number(status);
  }

  /** One order from beginning to end; a child's wait status is part of the outcome. */
  async fork(): Promise<{ readonly pid: number; readonly status: number } | { readonly errno: number }> {
    await this.order();
    const outcome = await this.outcome();
    return "pid" in outcome ? { ...outcome, status: await this.status() } : outcome;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.guest[Symbol.asyncDispose]();
  }
}
