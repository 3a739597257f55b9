// How the connections of one family change hands. A connection has one owner, with whom it lives, and perhaps others that hold descriptors of
// it. Who holds what the members' pages say; here is decided who gets it, and one after the other: while it is on its way to one
// process, others that want it wait. docs/fork.md, "One address", has the life of a hand-over.
import type { Family, Member } from "./family.ts";
import { flowId, HOLD, type FlowId, type ListedFlow } from "./flow_pages.ts";
import { REASON, type HandoverMessages, type Reason } from "./handover_messages.ts";
import { heirsOf, holdOf, Owners, ownersOf } from "./holders.ts";
import { PastTransfers, type Ending, type Transfer } from "./transfers.ts";

const EBADF = 9;
const ECONNRESET = 104;

/** What hand-overs need to know and do beyond messages. */
export interface HandoverWays {
  /** From now on the connection's frames go to this process. */
  steer(family: Family, flow: ListedFlow, pid: number): void;
  /** Nobody has the connection any more: its peer is to hear of it. */
  lost(family: Family, flow: ListedFlow): void;
  /** A process that accepts on the connection's port, and is none of these. */
  acceptor(family: Family, flow: ListedFlow, except: ReadonlySet<Member>): Member | undefined;
  /** Whether what the member holds is not known yet. */
  isYoung(member: Member): boolean;
}

/**
 * The hand-overs of one family. What a member says may be true no more when it is heard – it may have closed the connection, its peer may have
 * ended it –, so that most of what cannot be is only left alone.
 */
export class Handovers {
  readonly #transfers = new Map<FlowId, Transfer>();
  readonly #endings = new Map<FlowId, Ending>();
  readonly #past = new PastTransfers();
  readonly #owners: Owners;

  constructor(
    private readonly family: Family,
    private readonly say: HandoverMessages,
    private readonly ways: HandoverWays,
  ) {
    this.#owners = new Owners(family, this.#past);
  }

  /** A member wants to be the owner; one that is it need not. */
  claim(sender: Member, flow: ListedFlow): void {
    const id = flowId(flow);
    const transfer = this.#transfers.get(id);
    if (transfer?.from === sender || transfer?.to === sender) return;
    if (this.#endings.get(id)?.offered === true) this.#endings.delete(id); // its owner has accepted it, and forked
    const hold = holdOf(sender, id);
    if (hold === undefined) this.say.refuse(sender, flow, EBADF);
    else if (transfer !== undefined) {
      if (!transfer.waiting.includes(sender)) transfer.waiting.push(sender);
    } else if (hold === HOLD.inherited) this.#give(sender, flow, id);
  }

  /** An owner was sending it to process `pid` when an earlier forkd ended. */
  resume(from: Member, flow: ListedFlow, pid: number): void {
    const id = flowId(flow);
    if (this.#transfers.has(id) || holdOf(from, id) !== HOLD.owner || this.#past.isFrom(id, from)) return;
    const to = this.family.members.get(pid);
    if (to === undefined || to.ending) return void this.say.sole(from, flow);
    this.adopt(from, to, flow, REASON.claimed);
    const transfer = this.#transfers.get(id);
    if (transfer === undefined) return;
    if (holdOf(to, id) === HOLD.owner) this.#complete(id, transfer);
    else this.say.hand(from, flow, to, REASON.claimed); // once more: what came of it, or that it failed, may be lost
  }

  /** The application of a member has closed it. Who held it only does not list it any more. */
  release(sender: Member, flow: ListedFlow): void {
    const id = flowId(flow);
    const ending = this.#endings.get(id);
    if (this.#owners.isOwner(sender, id)) {
      if (ending?.owner !== sender || ending.offered) this.#end(id, flow, sender, false);
    } else if (ending !== undefined) this.#awaitYoung(ending);
    this.#settle(id);
  }

  /** A member does not accept a connection that waits there: it goes to one that accepts on its port, now or as soon as there is one. */
  offer(sender: Member, flow: ListedFlow): void {
    const id = flowId(flow);
    if (!this.#owners.isOwner(sender, id)) return;
    if (this.#endings.get(id)?.owner !== sender) this.#end(id, flow, sender, true);
    this.#settle(id);
  }

  /**
   * A member has the connection, or could not take it; false when nobody gave it.
   *
   * @param recovering whether it may be that an earlier forkd let it be sent
   */
  ready(sender: Member, flow: ListedFlow, errno: number, recovering: boolean): boolean {
    const id = flowId(flow);
    const transfer = this.#transfers.get(id);
    if (errno !== 0) {
      if (transfer?.to === sender) this.#fail(id, transfer);
      // An earlier forkd knew that its owner had died.
      else if (recovering && this.#owners.all(id).length === 0) this.ways.lost(this.family, flow);
      return true;
    }
    const hold = holdOf(sender, id);
    if (hold === HOLD.inherited) return false;
    // It may have ended since then, and be listed no more.
    if (transfer?.to === sender) this.#complete(id, transfer);
    else if (hold === undefined) return true;
    else if (transfer === undefined && (recovering || this.#owners.all(id).length === 1))
      this.#rightOwner(id, flow, sender);
    else return this.#owners.first(id) === sender;
    return true;
  }

  /** An owner will not give it to process `pid`, or cannot any more. */
  refuse(sender: Member, pid: number, flow: ListedFlow): boolean {
    const id = flowId(flow);
    const transfer = this.#transfers.get(id);
    if (transfer?.from !== sender || transfer.to.pid !== pid) return false;
    this.#transfers.delete(id);
    const ending = this.#endings.get(id);
    if (ending?.offered === true) this.#endings.delete(id); // its owner has accepted it
    ending?.tried.add(transfer.to);
    this.#next(id, flow, transfer.waiting);
    return true;
  }

  /** Whether a piece of a connection's state is to be passed on. */
  passesState(sender: Member, addressee: Member, flow: ListedFlow, isLast: boolean): boolean {
    const transfer = this.#transfers.get(flowId(flow));
    const passes = transfer?.from === sender && transfer.to === addressee;
    if (passes && isLast) transfer.sent = true;
    return passes;
  }

  /** A transfer that an earlier forkd has begun. */
  adopt(from: Member, to: Member, flow: ListedFlow, reason: Reason): void {
    const id = flowId(flow);
    if (!this.#transfers.has(id)) this.#transfers.set(id, { flow, from, to, reason, sent: false, waiting: [] });
  }

  /** Whether what has arrived for a connection at its old owner is to be passed on. */
  passesFrame(sender: Member, addressee: Member, flow: ListedFlow): boolean {
    const id = flowId(flow);
    const transfer = this.#transfers.get(id);
    if (transfer?.from === sender && transfer.to === addressee) return true;
    return this.#past.passesOn(id, sender, addressee);
  }

  /** What a young member holds is known now. */
  settled(member: Member): void {
    for (const [id, { awaited }] of [...this.#endings]) if (awaited.delete(member)) this.#settle(id);
  }

  /** A member has ended; its pages can still be read. Those of its connections that nobody else has. */
  left(member: Member): ListedFlow[] {
    for (const [id, transfer] of [...this.#transfers]) {
      const at = transfer.waiting.indexOf(member);
      if (at >= 0) transfer.waiting.splice(at, 1);
      if (transfer.to === member) this.#receiverLeft(id, transfer);
      else if (transfer.from === member) this.#senderLeft(id, transfer);
    }
    for (const [id, ending] of [...this.#endings]) {
      const { owner, awaited, tried } = ending;
      tried.delete(member);
      const mayHaveHeld = awaited.delete(member) || holdOf(member, id) === HOLD.inherited;
      if (owner === member) this.#endings.delete(id);
      // Its children, which hold what it held, may not have told yet.
      else if (mayHaveHeld) this.#awaitYoung(ending);
      this.#settle(id);
    }
    const others = new Set([...this.family.members.values()].flatMap((other) => this.#owners.ownedBy(other)));
    const orphans = (member.flows?.owned() ?? []).filter((flow) => {
      const id = flowId(flow);
      return this.#transfers.get(id)?.from !== member && !others.has(id) && !this.#past.isFrom(id, member);
    });
    this.#past.purge();
    return orphans;
  }

  /** Somebody accepts connections now: those that are offered may be for him. */
  acceptorCame(): void {
    for (const [id, { offered, tried }] of [...this.#endings]) {
      if (!offered) continue;
      tried.clear();
      this.#settle(id);
    }
  }

  /** Looks again at what waits, for members whose mailbox is of no use any more; forgets what was long ago. */
  refresh(): void {
    this.#past.purge();
    for (const [id, { awaited }] of [...this.#endings]) {
      for (const member of awaited) if (!this.ways.isYoung(member)) awaited.delete(member);
      this.#settle(id);
    }
    this.acceptorCame(); // who had no room may have some
  }

  /** Of several that have it this one is right. */
  #rightOwner(id: FlowId, flow: ListedFlow, owner: Member): void {
    this.ways.steer(this.family, flow, owner.pid);
    for (const member of ownersOf(this.family, id)) {
      if (member === owner) continue;
      this.#past.add(id, member, owner);
      this.say.moved(member, flow);
    }
  }

  #give(to: Member, flow: ListedFlow, id: FlowId): void {
    const owner = this.#owners.first(id);
    if (owner === undefined) return this.say.refuse(to, flow, ECONNRESET);
    this.#begin(owner, to, flow, this.#endings.get(id)?.owner === owner ? REASON.released : REASON.claimed);
  }

  #begin(from: Member, to: Member, flow: ListedFlow, reason: Reason): void {
    this.adopt(from, to, flow, reason);
    this.say.hand(from, flow, to, reason);
  }

  #end(id: FlowId, flow: ListedFlow, owner: Member, offered: boolean): void {
    const ending = { flow, owner, offered, awaited: new Set<Member>(), tried: new Set<Member>() };
    this.#endings.set(id, ending);
    if (!offered) this.#awaitYoung(ending);
  }

  #awaitYoung({ owner, awaited }: Ending): void {
    for (const member of this.family.members.values())
      if (member !== owner && this.ways.isYoung(member)) awaited.add(member);
  }

  /**
   * Finds somebody for a connection that its owner has done with.
   *
   * @param atOnce whether its owner does not keep it up any more; else nothing happens before all that it depends on is known
   */
  #settle(id: FlowId, atOnce = false): void {
    const ending = this.#endings.get(id);
    if (ending === undefined || this.#transfers.has(id)) return;
    const { flow, owner, offered, awaited, tried } = ending;
    if (holdOf(owner, id) !== HOLD.owner) return void this.#endings.delete(id); // its peer has ended it
    const heirs = heirsOf(this.family, id).filter((member) => !tried.has(member) && this.say.reaches(member));
    // Of several the first that wants it gets it.
    if (!atOnce && !offered && (awaited.size > 0 || heirs.length > 1)) return;
    const to = offered ? this.ways.acceptor(this.family, flow, new Set([owner, ...tried])) : heirs[0];
    if (to !== undefined) return this.#begin(owner, to, flow, offered ? REASON.offered : REASON.released);
    if (offered && this.#hasOthers(owner)) {
      if (atOnce) this.say.keep(owner, flow); // somebody may accept yet
      return;
    }
    this.#endings.delete(id);
    this.say.sole(owner, flow);
  }

  #hasOthers(owner: Member): boolean {
    return [...this.family.members.values()].some((member) => member !== owner && !member.ending);
  }

  #complete(id: FlowId, { flow, from, to, waiting }: Transfer): void {
    this.#transfers.delete(id);
    if (this.#endings.get(id)?.owner === from) this.#endings.delete(id);
    this.#past.add(id, from, to);
    if (!to.ending) this.ways.steer(this.family, flow, to.pid);
    this.say.moved(from, flow);
    this.#next(id, flow, waiting);
  }

  /** It is still the sender's. */
  #fail(id: FlowId, { flow, from, to, waiting }: Transfer): void {
    this.#transfers.delete(id);
    if (from.ending) {
      this.ways.lost(this.family, flow);
      return this.#next(id, flow, waiting);
    }
    const ending = this.#endings.get(id);
    ending?.tried.add(to);
    if (ending === undefined) this.say.sole(from, flow);
    this.#next(id, flow, waiting, true);
  }

  /** Those that have waited for the end of a transfer; without any, who has done with it may be rid of it. */
  #next(id: FlowId, flow: ListedFlow, waiting: readonly Member[], atOnce = false): void {
    for (const member of waiting) if (!member.ending) this.claim(member, flow);
    this.#settle(id, atOnce);
  }

  #receiverLeft(id: FlowId, transfer: Transfer): void {
    // It had installed it, and may have spoken with the peer: nobody else can go on.
    if (holdOf(transfer.to, id) === HOLD.owner) this.#complete(id, transfer);
    else this.#fail(id, transfer);
  }

  #senderLeft(id: FlowId, transfer: Transfer): void {
    const { flow, to, waiting } = transfer;
    // All of it has been sent, so it comes to life: its frames must not go to the leader meanwhile, who would refuse them.
    if (!to.ending && (transfer.sent || holdOf(to, id) === HOLD.owner)) {
      return this.ways.steer(this.family, flow, to.pid);
    }
    this.#transfers.delete(id);
    for (const member of [to, ...waiting]) this.say.refuse(member, flow, ECONNRESET);
  }
}
