// The messages of a family (kernel/fork/mailbox.ts), by who takes them. A switch and no table of functions: what is called by
// its index is in every image, and these only in those that fork.
import { FORKD, MESSAGE_LISTENING } from "../../kernel/fork/mailbox";
import { log } from "../../kernel/log";
import { networkMessage, networkRoom } from "../optional/with_fork_network";

let told = false;

/** Export, by kernel/optional/with_fork.ts. */
export function familyMessage(type: u32, flags: u32, from: i32, payload: usize, length: u32): void {
  if (networkMessage(type, flags, from, payload, length) || told) return;
  if (from == FORKD && type == MESSAGE_LISTENING) return; // forkd asks everybody about the network
  told = true; // once is enough
  log("fork").text("no use for message ").decimal(type).text(" of process ").signed(from).end();
}

/** Export, by kernel/optional/with_fork.ts: those who had no room for a message try again. */
export function familyRoom(): void {
  networkRoom();
}
