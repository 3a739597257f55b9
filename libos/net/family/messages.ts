// The messages of a family that concern the network, by who takes them.
import { MESSAGE_ADDRESSES, MESSAGE_LEAD, MESSAGE_LISTENING, MESSAGE_RESET } from "../../../kernel/fork/mailbox";
import { monotonicNow } from "../../../kernel/time/clock";
import { handoverMessage, handoverRoom, handoverTellAgain } from "../handover/messages";
import { addressesTaken, addressesTell } from "./addresses";
import { flowPagesForget, flowPagesTell } from "./flow_list";
import { followerLeads } from "./follower";
import { listenersTell, listenersTellAgain } from "./listeners";
import { resetsProvoke } from "./resets";

/** Export, by libos/with_fork_network.ts. */
export function networkMessage(type: u32, flags: u32, from: i32, payload: usize, length: u32): bool {
  if (type == MESSAGE_LISTENING) tellAgain();
  else if (type == MESSAGE_LEAD) followerLeads(monotonicNow());
  else if (type == MESSAGE_ADDRESSES) addressesTaken(payload, length, monotonicNow());
  else if (type == MESSAGE_RESET) resetsProvoke(payload, length, monotonicNow());
  else return handoverMessage(type, flags, from, payload, length, monotonicNow());
  return true;
}

/** A forkd that has just begun, or that has just come to know this process, asks. */
function tellAgain(): void {
  flowPagesForget();
  flowPagesTell();
  handoverTellAgain();
  listenersTellAgain();
}

/** Export, by libos/with_fork_network.ts. */
export function networkRoom(): void {
  addressesTell();
  flowPagesTell();
  handoverRoom();
  listenersTell();
}
