// The events that a member is to hear of, until its ring takes them.
import {
  EVENT_CONTINUED,
  EVENT_DOORBELL,
  EVENT_GROUP,
  EVENT_QUEUED,
  EVENT_SIGNAL,
  EVENT_STOPPED,
  type FamilyEvent,
} from "../event_ring.ts";
import type { Member } from "./family.ts";

/** An event; only an exit tells what the child has used. */
export type NewEvent = Pick<FamilyEvent, "kind" | "pid" | "value"> & Partial<FamilyEvent>;

/** Puts `event` behind those that `member` is to hear of. */
export function queueEvent({ unposted }: Pick<Member, "unposted">, event: NewEvent): void {
  if (isSignal(event) && unposted.some((other) => isSignal(other) && other.value === event.value)) return;
  const known = unposted.findIndex((other) => supersedes(event, other));
  if (known >= 0) unposted.splice(known, 1);
  unposted.push({ data: 0, cpuTime: 0n, frames: 0, ...event });
}

// A signal that waits is one however often it is sent, the first; of a child that stops and goes on, of its groups, or of another's doorbells, only the last counts. So no
// sibling can make the list grow.
function supersedes(event: NewEvent, other: NewEvent): boolean {
  if (event.kind === EVENT_DOORBELL) return other.kind === EVENT_DOORBELL && other.pid === event.pid;
  if (event.kind === EVENT_GROUP) return other.kind === EVENT_GROUP && other.pid === event.pid;
  return isChange(event) && isChange(other) && event.pid === other.pid;
}

function isSignal({ kind }: NewEvent): boolean {
  return kind === EVENT_SIGNAL || kind === EVENT_QUEUED;
}

function isChange({ kind }: NewEvent): boolean {
  return kind === EVENT_STOPPED || kind === EVENT_CONTINUED;
}
