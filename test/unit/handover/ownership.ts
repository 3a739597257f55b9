// What forkd does for the hand-over of connections, as the contract says it (docs/fork.md, "Connections across fork"): a small stand-in,
// which takes messages of members about a flow and gives orders. It knows who owns and who holds a flow from the pages of the members alone.
import { MESSAGE } from "../../../tools/forkd/family/mailbox.ts";

export const FLOW = 40;
export const Reason = { CLAIMED: 0, RELEASED: 1, OFFERED: 2 } as const;
export const ECONNRESET = 104;

/** A process as this sees it. */
export interface Holder {
  readonly pid: number;
  /** What it holds is not known yet. */
  readonly young: boolean;
  /** What its pages say of a flow: true = it owns it, false = it holds it, undefined = neither. */
  owns(key: string): boolean | undefined;
  /** Whether it accepts connections on a port. */
  accepts(port: number): boolean;
}

interface Transfer {
  readonly flow: Uint8Array;
  readonly from: Holder;
  readonly to: Holder;
  readonly waiting: Holder[];
}

/** The name of a flow. */
export function keyOf(flow: Uint8Array): string {
  return Buffer.from(flow.subarray(0, 37)).toString("hex");
}

function words(flow: Uint8Array, ...values: number[]): Uint8Array {
  const payload = new Uint8Array(FLOW + 4 * values.length);
  payload.set(flow.subarray(0, FLOW));
  const view = new DataView(payload.buffer);
  values.forEach((value, index) => void view.setInt32(FLOW + 4 * index, value, true));
  return payload;
}

export class Ownership {
  readonly #transfers = new Map<string, Transfer>();
  /** Flows that their owners have closed, and that nobody has taken yet. */
  readonly #released = new Map<string, Uint8Array>();
  /** Flows that wait with their owners for somebody who accepts. */
  readonly #offered = new Map<string, { readonly flow: Uint8Array; readonly owner: Holder }>();
  /** From whom a flow has gone last. */
  readonly #past = new Map<string, Holder>();

  constructor(
    private readonly members: () => readonly Holder[],
    private readonly post: (to: Holder, type: number, payload: Uint8Array) => void,
    private readonly steer: (flow: Uint8Array, owner: Holder) => void,
  ) {}

  get idle(): boolean {
    return this.#transfers.size === 0;
  }

  /** A message of a member about a flow. */
  take(from: Holder, type: number, payload: Uint8Array): void {
    const flow = payload.subarray(0, FLOW);
    if (type === MESSAGE.claim) this.#claim(from, flow);
    else if (type === MESSAGE.release) this.#release(from, flow);
    else if (type === MESSAGE.offer) this.#offer(from, flow);
    else if (type === MESSAGE.ready) this.#ready(from, flow, new DataView(payload.buffer).getUint32(FLOW, true));
  }

  /** What a member says to a forkd that has just begun: that it has a flow now, or is sending it to another process. */
  recover(from: Holder, type: number, payload: Uint8Array): void {
    const flow = payload.subarray(0, FLOW);
    const key = keyOf(flow);
    const word = new DataView(payload.buffer, payload.byteOffset).getUint32(FLOW, true);
    if (type === MESSAGE.ready) {
      const before = this.members().find((member) => member !== from && member.owns(key) === true);
      if (word !== 0 || from.owns(key) !== true || before === undefined) return;
      this.#transfers.set(key, { flow: flow.slice(), from: before, to: from, waiting: [] });
      this.#ready(from, flow, 0);
    } else if (from.owns(key) === true && !this.#transfers.has(key) && this.#past.get(key) !== from) {
      const to = this.members().find(({ pid }) => pid === word);
      if (to?.owns(key) === undefined) return this.post(from, MESSAGE.sole, flow);
      if (to.owns(key) === false) return this.#hand(from, to, flow, Reason.CLAIMED); // once more: what has come may be lost
      this.#transfers.set(key, { flow: flow.slice(), from, to, waiting: [] });
      this.#ready(to, flow, 0);
    }
  }

  /** A refusal of an owner passes by, on its way to the claimant. */
  refused(payload: Uint8Array): void {
    this.#over(keyOf(payload));
  }

  /** Who has given a flow away may not know it yet, and list it still. */
  #owner(key: string): Holder | undefined {
    const owners = this.members().filter((member) => member.owns(key) === true);
    return owners.find((member) => this.#past.get(key) !== member) ?? owners[0];
  }

  #claim(from: Holder, flow: Uint8Array): void {
    const key = keyOf(flow);
    const transfer = this.#transfers.get(key);
    if (transfer !== undefined) {
      transfer.waiting.push(from);
      return;
    }
    const owner = this.#owner(key);
    if (owner === from) return;
    if (owner === undefined) this.post(from, MESSAGE.refuse, words(flow, ECONNRESET));
    else this.#hand(owner, from, flow, this.#released.has(key) ? Reason.RELEASED : Reason.CLAIMED);
  }

  #hand(from: Holder, to: Holder, flow: Uint8Array, reason: number): void {
    this.#transfers.set(keyOf(flow), { flow: flow.slice(), from, to, waiting: [] });
    this.post(from, MESSAGE.hand, words(flow, to.pid, reason));
  }

  #release(from: Holder, flow: Uint8Array): void {
    const key = keyOf(flow);
    if (this.#owner(key) === from) this.#released.set(key, flow.slice());
    if (!this.#transfers.has(key)) this.#settle(key);
  }

  /** Looks again at a flow that its owner has closed. */
  #settle(key: string): void {
    const flow = this.#released.get(key);
    if (flow === undefined || this.members().some(({ young }) => young)) return;
    const owner = this.#owner(key);
    if (owner === undefined) {
      this.#released.delete(key);
      return;
    }
    const holders = this.members().filter((member) => member.owns(key) === false);
    const [only] = holders;
    if (only === undefined) {
      this.#released.delete(key);
      this.post(owner, MESSAGE.sole, flow);
    } else if (holders.length === 1) {
      this.#hand(owner, only, flow, Reason.RELEASED);
    }
  }

  #offer(from: Holder, flow: Uint8Array): void {
    const port = new DataView(flow.buffer, flow.byteOffset).getUint16(34, true);
    const [leader] = this.members();
    const acceptor = this.members().find((member) => member !== from && member.accepts(port));
    const to = acceptor ?? (leader === from ? undefined : leader);
    this.#offered.delete(keyOf(flow));
    if (to !== undefined) this.#hand(from, to, flow, Reason.OFFERED);
    else if (this.members().length === 1) this.post(from, MESSAGE.sole, flow);
    else this.#offered.set(keyOf(flow), { flow: flow.slice(), owner: from });
  }

  /** Somebody accepts, or somebody who could have has ended. */
  offerAgain(): void {
    for (const [key, { flow, owner }] of [...this.#offered]) {
      if (!this.#transfers.has(key)) this.#offer(owner, flow);
    }
  }

  #ready(from: Holder, flow: Uint8Array, error: number): void {
    const key = keyOf(flow);
    const transfer = this.#transfers.get(key);
    if (transfer === undefined || transfer.to !== from) return;
    if (error === 0) {
      this.#released.delete(key);
      this.#past.set(key, transfer.from);
      this.steer(flow, from);
      this.post(transfer.from, MESSAGE.moved, flow);
    } else if (!this.#released.has(key)) {
      this.post(transfer.from, MESSAGE.sole, flow);
    }
    this.#over(key);
  }

  /** A transfer has ended: who has waited is next. */
  #over(key: string): void {
    const transfer = this.#transfers.get(key);
    if (transfer === undefined) return;
    this.#transfers.delete(key);
    const living = transfer.waiting.filter((claimant) => this.members().includes(claimant));
    for (const claimant of living) this.#claim(claimant, transfer.flow);
    if (!this.#transfers.has(key)) this.#settle(key);
  }

  /** What a member holds is known now. */
  told(): void {
    for (const key of [...this.#released.keys()]) if (!this.#transfers.has(key)) this.#settle(key);
  }

  /** A member has ended, and is among the members no more. */
  ended(member: Holder): void {
    for (const [key, { from, to, flow }] of [...this.#transfers]) {
      if (to === member) {
        if (!this.#released.has(key)) this.post(from, MESSAGE.sole, flow);
      } else if (from === member) this.post(to, MESSAGE.refuse, words(flow, ECONNRESET));
      else continue;
      this.#over(key);
    }
    for (const [key, { owner }] of [...this.#offered]) if (owner === member) this.#offered.delete(key);
    this.offerAgain();
    this.told();
  }
}
