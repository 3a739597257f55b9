// forkd with faults, for tests: the same program, but calls into Xen and xenstore are counted and one of them goes wrong.
// SIGUSR2 reads the plan from FAULT_FILE and counts from there:
//   {"kind": "none"}                                                       no fault
//   {"kind": "record"}                                                     none, but each call is told: "call XenControl.create"
//   {"kind": "error", "call": "XenControl.create", "at": 1, "errno": 12}   the first of these calls fails
//   {"kind": "kill", "call": "Store.writeAll", "at": 2}                    SIGKILL before the second
//   {"kind": "stop", "call": "XenControl.unpause", "at": 1}                SIGSTOP before the first: forkd does nothing until SIGCONT
//   {"kind": "slow", "ms": 50}                                             every request to xenstore takes that long
// and says on standard error "fault armed" and "fault <Class.method>".
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
import { intercept } from "./intercept.ts";

/** Left alone: what is made of other methods here. */
const WITHOUT = ["with", "close", "onClose"];

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

/** The errno with which this call is to fail; undefined when it is to be made. */
function plannedError(name: string): number | undefined {
  if (plan.kind === "record") say(`call ${name}`);
  if (!("call" in plan) || plan.call !== name) return undefined;
  count += 1;
  if (count !== plan.at) return undefined;
  say(`fault ${name}`);
  if (plan.kind === "kill") process.kill(process.pid, "SIGKILL");
  if (plan.kind === "stop") process.kill(process.pid, "SIGSTOP");
  return plan.kind === "error" ? plan.errno : undefined;
}

for (const type of [XenControl, ForeignMemory, GrantSeed, EventChannels, Host, PageTableUpdates]) {
  intercept(type, WITHOUT, (name, call) => {
    const errno = plannedError(name);
    if (errno === undefined) return call();
    koffi.errno(errno);
    return checked(`${name} (by order of a test)`, -1);
  });
}

async function request(name: string, call: () => unknown): Promise<unknown> {
  if (plannedError(name) !== undefined) {
    throw new KaryonError("XENSTORE", `${name} (by order of a test)`, "", { cause: "EIO" });
  }
  if (plan.kind === "slow") await sleep(plan.ms);
  return call();
}

intercept(Store, WITHOUT, request);

await import("../../../tools/forkd/main.ts");
