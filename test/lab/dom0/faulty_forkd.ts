// forkd with faults, for tests: the same program, but calls into Xen and xenstore are counted and one of them goes wrong.
// SIGUSR2 reads the plan from FAULT_FILE and counts from there:
//   {"kind": "none"}                             no fault
//   {"kind": "error", "at": 7, "errno": 12}      the 7th call fails
//   {"kind": "kill", "at": 7}                    SIGKILL before the 7th call
//   {"kind": "pause", "at": 7, "ms": 2000}       the 7th call takes that long, and forkd does nothing meanwhile
//   {"kind": "slow", "ms": 50}                   every request to xenstore takes that long
// and says on standard error "fault armed" and "fault <n> <Class.method>".
import koffi from "koffi";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { XenControl } from "../../../tools/forkd/xen/control.ts";
import { EventChannels } from "../../../tools/forkd/xen/event_channels.ts";
import { ForeignMemory } from "../../../tools/forkd/xen/foreign_memory.ts";
import { GrantSeed } from "../../../tools/forkd/xen/grant_seed.ts";
import { Host } from "../../../tools/forkd/xen/host.ts";
import { checked } from "../../../tools/forkd/xen/library.ts";
import { PageTableUpdates } from "../../../tools/forkd/xen/page_table_updates.ts";
import { Store } from "../../../tools/forkd/xen/store.ts";
import { KaryonError } from "../../../tools/support/errors.ts";
import { FAULT_FILE, type FaultPlan } from "./fault_plan.ts";

type Method = (this: unknown, ...values: unknown[]) => unknown;

/** Left alone: what is made of other methods here, and what cannot fail. */
const WITHOUT = new Set(["constructor", "with", "info", "close", "onClose", "notify", "unbind", "unmap"]);

let plan: FaultPlan = { kind: "none" };
let count = 0;

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

process.on("SIGUSR2", () => {
  plan = JSON.parse(readFileSync(FAULT_FILE, "utf8")) as FaultPlan;
  count = 0;
  say("fault armed");
});

/** Whether this call is the one that goes wrong. */
function isDue(name: string): boolean {
  if (plan.kind === "none" || plan.kind === "slow") return false;
  count += 1;
  if (count !== plan.at) return false;
  say(`fault ${count} ${name}`);
  if (plan.kind === "kill") process.kill(process.pid, "SIGKILL");
  return true;
}

function fail(name: string, errno: number): never {
  koffi.errno(errno);
  checked(`${name} (by order of a test)`, -1);
  throw new Error("unreachable: the check before this has thrown");
}

function intercept(type: { readonly name: string; readonly prototype: object }, wrap: typeof wrapCall): void {
  const methods = type.prototype as Record<string, Method>;
  for (const name of Object.getOwnPropertyNames(methods)) {
    const described = Object.getOwnPropertyDescriptor(methods, name)?.value as unknown;
    if (WITHOUT.has(name) || typeof described !== "function") continue;
    methods[name] = wrap(`${type.name}.${name}`, described as Method);
  }
}

function wrapCall(name: string, method: Method): Method {
  return function (...values) {
    if (isDue(name)) {
      if (plan.kind === "error") fail(name, plan.errno);
      if (plan.kind === "pause") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, plan.ms);
    }
    return method.apply(this, values);
  };
}

function wrapRequest(name: string, method: Method): Method {
  return async function (...values) {
    if (isDue(name)) {
      if (plan.kind === "error")
        throw new KaryonError("XENSTORE", `${name} (by order of a test)`, "", { cause: "EIO" });
      if (plan.kind === "pause") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, plan.ms);
    }
    if (plan.kind === "slow") await sleep(plan.ms);
    return method.apply(this, values);
  };
}

for (const type of [XenControl, ForeignMemory, GrantSeed, EventChannels, Host, PageTableUpdates]) {
  intercept(type, wrapCall);
}
intercept(Store, wrapRequest);

await import("../../../tools/forkd/main.ts");
