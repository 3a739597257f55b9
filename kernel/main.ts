// The kernel's boot, in the order in which its parts need each other. libos/main.ts calls it and goes on from there.
import { commandLineInit, commandLineIsWhole } from "./command_line";
import { consoleAttach, consoleStart } from "./console";
import { eventChannelsReset } from "./event_channel";
import { grantTableAttach, grantTableInit } from "./grant_table";
import { log } from "./log";
import { machineFrameAddress, p2mPublish } from "./memory/frames";
import { directMapInit, mapSharedInfo } from "./memory/direct_map";
import { powerControlStart } from "./power/control";
import { schedulerInit } from "./thread/scheduler";
import { clockStart } from "./time/clock";
import { trapInit } from "./trap/trap";
import { randomStir } from "./random";
import { workStart } from "./work";
import { xenstoreInit } from "./xenbus/xenstore";
import { startInfo, startInfoInit } from "./xen/start_info";

/** From Xen's first instruction to a kernel with memory, threads, time, events, grants and a console. */
export function kernelBoot(startInfoAddress: usize): void {
  startInfoInit(startInfoAddress);
  consoleAttach();
  trapInit();
  mapSharedInfo();
  p2mPublish();
  directMapInit();
  clockStart();
  eventChannelsReset();
  schedulerInit();
  grantTableInit();
  grantTableAttach();
  consoleStart();
  workStart();
  randomStir();
  commandLineInit();
  if (!commandLineIsWhole()) log("kernel").text("command line: too long, or an open quote").end();
  xenstoreInit(machineFrameAddress(startInfo().store_mfn), startInfo().store_evtchn);
  powerControlStart();
  log("kernel")
    .text("Karyon, ")
    .decimal(startInfo().nr_pages >> 8)
    .text(" MiB")
    .end();
}
