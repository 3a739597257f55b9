// The messages by which connections change hands (docs/fork.md, "The mailbox"), as forkd writes and reads them: each begins with the connection.
import type { Member } from "./family.ts";
import { FLOW_BYTES, flowEntry, type ListedFlow } from "./flow_pages.ts";
import type { Mail } from "./mail.ts";
import { MESSAGE } from "./mailbox.ts";

/** Why a connection changes hands. */
export const REASON = { claimed: 0, released: 1, offered: 2 } as const;
export type Reason = (typeof REASON)[keyof typeof REASON];

/** Behind the connection in SOLE. */
const STILL_OFFERED = 1;

/** What forkd says of connections. Nobody who has ended is told anything. */
export class HandoverMessages {
  constructor(private readonly mail: Pick<Mail, "post" | "reaches">) {}

  /** Whether a member can be told anything. */
  reaches(member: Member): boolean {
    return !member.ending && this.mail.reaches(member);
  }

  /** To an owner: send it to `to`. */
  hand(owner: Member, flow: ListedFlow, to: Member, reason: Reason): void {
    this.#post(owner, MESSAGE.hand, flow, to.pid, reason);
  }

  /** To an owner: it stays yours, and nobody else's. */
  sole(owner: Member, flow: ListedFlow): void {
    this.#post(owner, MESSAGE.sole, flow);
  }

  /** To an owner: nobody takes it now; go on with it until somebody does. */
  keep(owner: Member, flow: ListedFlow): void {
    this.#post(owner, MESSAGE.sole, flow, STILL_OFFERED);
  }

  /** To who was the owner: another has it. */
  moved(member: Member, flow: ListedFlow): void {
    this.#post(member, MESSAGE.moved, flow);
  }

  /** To who claims it: you do not get it. */
  refuse(member: Member, flow: ListedFlow, errno: number): void {
    this.#post(member, MESSAGE.refuse, flow, errno);
  }

  #post(member: Member, type: number, flow: ListedFlow, ...words: readonly number[]): void {
    if (!this.reaches(member)) return;
    const payload = Buffer.alloc(FLOW_BYTES + 4 * words.length);
    payload.set(flowEntry(flow));
    words.forEach((word, i) => payload.writeInt32LE(word, FLOW_BYTES + 4 * i));
    this.mail.post(member, { type, payload });
  }
}

/** The number behind the connection in a message; undefined when there is none. */
export function wordOf(payload: Uint8Array): number | undefined {
  if (payload.length < FLOW_BYTES + 4) return undefined;
  return new DataView(payload.buffer, payload.byteOffset + FLOW_BYTES, 4).getUint32(0, true);
}
