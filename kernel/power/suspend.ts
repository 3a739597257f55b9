// Suspend and resume (xl save, save -c, restore, migrate) of a PV domain, as libxc's save and restore code expects it:
// every mapped frame must be one of the domain's own, start_info must hold pfns, and shared_info must say where the
// p2m list is. A restored copy finds new event channels, grant table, shared_info, console and xenstore rings; when the
// suspend was cancelled (xl save -c) everything is still there.
import { machineToPhys, sharedInfo } from "../boot";
import { consoleDrain } from "../console";
import { grantTableMap, grantTableUnmap } from "../grant_table";
import { log } from "../log";
import { mapSharedInfo } from "../memory/direct_map";
import { addressFrame, pfnToMfn } from "../memory/frames";
import { panic } from "../panic";
import { clockResume, monotonicNow } from "../time/clock";
import { xenstoreResume, xenstoreSuspend } from "../xenbus/xenstore";
import { SHUTDOWN_suspend, UVMF_INVLPG, schedShutdown, updateVaMapping } from "../xen/hypercall";
import { startInfo } from "../xen/start_info";
import { reconnect } from "./reconnect";

const MAXIMUM: u32 = 8;

const hooks = memory.data(64, 4); // {u32 onSuspend, u32 onResume} each
let count: u32 = 0;

/**
 * Registers a driver by table indices: `onSuspend` (): void stops new requests to its backend; `onResume`
 * (restored: bool): void goes on, with everything to connect anew when `restored`. Neither may block.
 */
export function suspendRegister(onSuspend: u32, onResume: u32): void {
  if (count == MAXIMUM) panic("too many suspend hooks");
  store<u32>(hooks + ((<usize>count) << 3), onSuspend);
  store<u32>(hooks + ((<usize>count) << 3), onResume, 4);
  count += 1;
}

/** Suspends the domain; returns when it runs again. Called on a kernel thread with xenstore at rest possible. */
export function suspend(): void {
  driversRest();
  if (xenstoreSuspend() != 0) {
    log("power").text("xenstored does not answer: not suspended").end();
    xenstoreResume();
    driversResume(false);
    return;
  }
  log("power").text("suspending").end();
  consoleDrain();
  const restored = suspendInXen();
  if (restored) {
    clockResume();
    reconnect();
  } else {
    xenstoreResume();
  }
  log("power")
    .text(restored ? "restored" : "suspend cancelled, going on")
    .end();
  driversResume(restored);
}

/** Has every driver stop new requests. */
export function driversRest(): void {
  for (let i: u32 = 0; i < count; i++) call_indirect<void>(load<u32>(hooks + ((<usize>i) << 3)));
}

/** Has every driver go on, and connect anew in a copy of the domain (`restored`). */
export function driversResume(restored: bool): void {
  for (let i: u32 = 0; i < count; i++) call_indirect<void>(load<u32>(hooks + ((<usize>i) << 3), 4), restored);
}

/** The part without clock, console and events; true in a restored copy. */
function suspendInXen(): bool {
  const info = startInfo();
  const store = info.store_mfn;
  const console = info.console_mfn;
  monotonicNow(); // the last time the clock is read before it may be another one
  grantTableUnmap();
  info.store_mfn = machineToPhys(store);
  info.console_mfn = machineToPhys(console);
  const startInfoMfn = pfnToMfn(addressFrame(changetype<usize>(info)));
  if (updateVaMapping(sharedInfo(), 0, UVMF_INVLPG) != 0) panic("shared_info cannot be unmapped");
  const cancelled = schedShutdown(SHUTDOWN_suspend, startInfoMfn) != 0;
  if (cancelled) {
    info.store_mfn = store;
    info.console_mfn = console;
  }
  mapSharedInfo();
  if (cancelled) grantTableMap();
  return !cancelled;
}
