// What a copy of a domain has to make again, whether xl restore made the copy or fork: memory is as it was, everything
// else that a domain owns is new. Needs shared_info mapped and the clock going.
import { consoleAttach, consoleStart } from "../console";
import { eventChannelsReset } from "../event_channel";
import { grantTableAttach } from "../grant_table";
import { machineFrameAddress, p2mPublish } from "../memory/frames";
import { randomStir } from "../random";
import { workStart } from "../work";
import { xenstoreReattach } from "../xenbus/xenstore";
import { startInfo } from "../xen/start_info";

/** Attaches to the copy's own event channels, grant table, console and xenstore rings. Does not block. */
export function reconnect(): void {
  p2mPublish();
  eventChannelsReset();
  grantTableAttach();
  consoleAttach();
  consoleStart();
  workStart();
  randomStir();
  xenstoreReattach(machineFrameAddress(startInfo().store_mfn), startInfo().store_evtchn);
}
