// Messages of the hand-over of connections (docs/fork.md, "Connections across fork"), by who takes them; and what is said again.
import {
  FORKD,
  MESSAGE_FRAME,
  MESSAGE_HAND,
  MESSAGE_MOVED,
  MESSAGE_REFUSE,
  MESSAGE_SOLE,
  MESSAGE_STATE,
  MESSAGE_TAKEN,
} from "../../../kernel/fork/mailbox";
import { passingTaken } from "../../optional/with_fork_unix_rights";
import { tcpFlush } from "../tcp/output";
import { stateArrives } from "./arrivals";
import { frameArrives } from "./frames";
import { handArrives, movedArrives, soleArrives, statesSend } from "./hand";
import { refusalArrives } from "./inherited";
import { FLOW } from "./flow";
import { allNoted, notesFlush } from "./notes";
import { allTold, tellAgain, tellRest } from "./tell";

/** Takes a message in; false when it is of no such type. */
export function handoverMessage(type: u32, flags: u32, from: i32, payload: usize, length: u32, now: u64): bool {
  if (type == MESSAGE_REFUSE) {
    refusalArrives(payload, length);
  } else if (type == MESSAGE_STATE) {
    stateArrives(payload, length, flags, from, now);
    tcpFlush(now);
  } else if (type == MESSAGE_FRAME) {
    frameArrives(payload, length, flags, from, now);
  } else if (type == MESSAGE_TAKEN) {
    if (length >= FLOW + 4) passingTaken(load<u32>(payload + FLOW));
  } else if (from == FORKD && type == MESSAGE_HAND) {
    handArrives(payload, length);
  } else if (from == FORKD && type == MESSAGE_MOVED) {
    movedArrives(payload, length, now);
  } else if (from == FORKD && type == MESSAGE_SOLE) {
    soleArrives(payload, length, now);
  } else {
    return false;
  }
  return true;
}

/** The mailbox has room again: who waited for it goes on, in order. */
export function handoverRoom(): void {
  if (!notesFlush()) return;
  tellRest();
  statesSend();
}

/** A forkd that has begun anew asks what there is. */
export function handoverTellAgain(): void {
  notesFlush();
  tellAgain();
}

/** Whether forkd has heard all that it has to hear, apart from states. */
export function handoverTold(): bool {
  return allNoted() && allTold();
}
