// The messages of a family that concern the network, by who takes them.
import { MESSAGE_ADDRESSES, MESSAGE_LEAD, MESSAGE_LISTENING, MESSAGE_RESET } from "../../../kernel/fork/mailbox";
import { monotonicNow } from "../../../kernel/time/clock";
import { listenerLeft } from "../handover/leaving_listener";
import { handoverMessage, handoverRoom, handoverTellAgain } from "../handover/messages";
import { IPPROTO_TCP } from "../wire/ipv4";
import { addressesTaken, addressesTell } from "./addresses";
import { flowPagesForget, flowPagesTell } from "./flow_list";
import { followerLeads } from "./follower";
import { LISTENING_BYTES, listenersTell, listenersTellAgain } from "./listeners";
import { resetsProvoke } from "./resets";

/** Export, by libos/optional/with_fork_network.ts. */
export function networkMessage(type: u32, flags: u32, from: i32, payload: usize, length: u32): bool {
  if (type == MESSAGE_LISTENING) listeningArrives(payload, length);
  else if (type == MESSAGE_LEAD) followerLeads(monotonicNow());
  else if (type == MESSAGE_ADDRESSES) addressesTaken(payload, length, monotonicNow());
  else if (type == MESSAGE_RESET) resetsProvoke(payload, length, monotonicNow());
  else return handoverMessage(type, flags, from, payload, length, monotonicNow());
  return true;
}

/** Without a payload forkd, which has just begun or come to know this process, asks; with one it answers. */
function listeningArrives(payload: usize, length: u32): void {
  if (length == 0) tellAgain();
  else if (length == LISTENING_BYTES && load<u8>(payload, 2) == IPPROTO_TCP)
    listenerLeft(load<u16>(payload), monotonicNow());
}

function tellAgain(): void {
  flowPagesForget();
  flowPagesTell();
  handoverTellAgain();
  listenersTellAgain();
}

/** Export, by libos/optional/with_fork_network.ts. */
export function networkRoom(): void {
  addressesTell();
  flowPagesTell();
  handoverRoom();
  listenersTell();
}
