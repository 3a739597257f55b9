// The owners of connections: takes in what members say of the connections that they hold (docs/fork.md, "One address"), checks it, and lets
// the family's hand-overs decide (handovers.ts). A member is heard when it has told what it holds: a child just after its
// birth, and after a restart of forkd all members, who say then once more what they wait for.
import type { Log } from "../../support/log.ts";
import type { Family, Member } from "./family.ts";
import { flowOf, HOLD, flowId, type ListedFlow } from "./flow_pages.ts";
import { HandoverMessages, REASON, wordOf, type Reason } from "./handover_messages.ts";
import { Handovers, type HandoverWays } from "./handovers.ts";
import { holdOf } from "./holders.ts";
import type { Letter, Mail } from "./mail.ts";
import { MESSAGE, MESSAGE_LAST } from "./mailbox.ts";

/** How long (ms) a forkd that has just begun waits for those who have been there before. */
const PATIENCE_MS = 5000;
const ECONNRESET = 104;
/** Messages that are kept of a member that has not told what it holds. */
const MOST_DEFERRED = 4096;

/** What happens beyond messages; see HandoverWays. */
export interface OwnershipWays extends Omit<HandoverWays, "isYoung"> {
  /** Whether an address is the family's. */
  covers(family: Family, flow: ListedFlow): boolean;
}

/** A message about a connection, for forkd. */
interface Word {
  readonly type: number;
  readonly sender: Member;
  readonly flow: ListedFlow;
  readonly payload: Uint8Array;
}

/** Who owns which connection, in all families. */
export class Ownership {
  readonly #families = new WeakMap<Family, Handovers>();
  readonly #told = new WeakSet<Member>();
  /** Members that an earlier forkd knew; those that have not told this one and are waited for. */
  readonly #known = new WeakSet<Member>();
  readonly #recovering = new WeakMap<Family, Set<Member>>();
  readonly #deferred = new Map<Member, Word[]>();
  readonly #liars = new WeakSet<Member>();
  readonly #say: HandoverMessages;

  constructor(
    private readonly mail: Mail,
    private readonly ways: OwnershipWays,
    private readonly log: Log,
  ) {
    this.#say = new HandoverMessages(mail);
    for (const type of [MESSAGE.claim, MESSAGE.release, MESSAGE.ready, MESSAGE.offer])
      mail.handle(type, (letter) => this.#toForkd(letter));
    mail.handle(MESSAGE.refuse, (letter) => this.#refuse(letter));
    mail.handle(MESSAGE.state, (letter) => this.#state(letter));
    mail.handle(MESSAGE.frame, (letter) => this.#frame(letter));
    for (const type of [MESSAGE.hand, MESSAGE.sole, MESSAGE.moved]) mail.handle(type, () => false); // forkd's word only
  }

  /** A forkd that has just begun finds this member: nothing of its family is decided before all have told what they hold. */
  found(member: Member): void {
    const { family } = member;
    this.#known.add(member);
    const members = this.#recovering.get(family) ?? new Set();
    this.#recovering.set(family, members.add(member));
    setTimeout(() => this.#recovered(member), PATIENCE_MS).unref();
  }

  /** A member has told all that it holds. */
  told(member: Member): void {
    this.#told.add(member);
    this.#recovered(member);
    this.#handovers(member.family).settled(member);
    if (this.#isRecovering(member.family)) return;
    this.#hear([member], this.#known.has(member));
  }

  /** A member of a family has begun to accept connections. */
  acceptorCame(family: Family): void {
    this.#handovers(family).acceptorCame();
  }

  /** A member has ended; its pages can still be read. Those of its connections that nobody else has. */
  left(member: Member): ListedFlow[] {
    this.#deferred.delete(member);
    this.#recovered(member);
    return this.#handovers(member.family).left(member);
  }

  /** Looks again at what waits. */
  refresh(families: Iterable<Family>): void {
    for (const family of families) this.#handovers(family).refresh();
  }

  /** Whether what a member holds is not known yet; of one that can say nothing nobody waits to hear it. */
  isYoung(member: Member): boolean {
    return !this.#told.has(member) && !member.ending && this.mail.reaches(member);
  }

  #handovers(family: Family): Handovers {
    let handovers = this.#families.get(family);
    if (handovers === undefined) {
      const { steer, lost, acceptor } = this.ways;
      handovers = new Handovers(family, this.#say, {
        steer,
        lost,
        acceptor,
        isYoung: (member) => this.isYoung(member),
      });
      this.#families.set(family, handovers);
    }
    return handovers;
  }

  #isRecovering(family: Family): boolean {
    return (this.#recovering.get(family)?.size ?? 0) > 0;
  }

  #recovered(member: Member): void {
    const { family } = member;
    const members = this.#recovering.get(family);
    if (members?.delete(member) !== true || members.size > 0) return;
    this.#hear([...family.members.values()], true);
  }

  #toForkd({ type, sender, pid, payload }: Letter): boolean {
    const flow = flowOf(payload);
    if (pid !== 0 || flow === undefined) return this.#lies(sender, "sends nonsense about a connection");
    const word = { type, sender, flow, payload: payload.slice() };
    if (this.isYoung(sender) || this.#isRecovering(sender.family)) return this.#defer(word);
    this.#take(word, false);
    return false;
  }

  #defer(word: Word): boolean {
    const words = this.#deferred.get(word.sender) ?? [];
    if (words.length >= MOST_DEFERRED) return this.#lies(word.sender, "asks for more connections than it tells of");
    words.push(word);
    this.#deferred.set(word.sender, words);
    return false;
  }

  /** What these members have said before they told what they hold. */
  #hear(members: readonly Member[], recovering: boolean): void {
    const told = members.filter((member) => !this.isYoung(member));
    const words = told.flatMap((member) => this.#deferred.get(member) ?? []);
    for (const member of told) this.#deferred.delete(member);
    // To whom a connection is on its way, who has got one, and then who wants it or has done with it.
    const rank = ({ type, payload }: Word): number =>
      type === MESSAGE.claim && wordOf(payload) !== undefined ? 0 : type === MESSAGE.ready ? 1 : 2;
    const ranked = words.map((word) => ({ word, rank: rank(word) })).sort((a, b) => a.rank - b.rank);
    for (const { word } of ranked) this.#take(word, recovering);
  }

  #take({ type, sender, flow, payload }: Word, recovering: boolean): void {
    const handovers = this.#handovers(sender.family);
    if (sender.ending && type !== MESSAGE.ready) return;
    if (type === MESSAGE.ready) {
      const believed = handovers.ready(sender, flow, wordOf(payload) ?? 0, recovering);
      if (!believed) this.#lies(sender, "says that it has a connection which nobody gave it");
    } else if (!this.ways.covers(sender.family, flow)) {
      // Perhaps the address was the family's once: the connection cannot go on.
      if (type === MESSAGE.claim) this.#say.refuse(sender, flow, ECONNRESET);
      else this.#say.sole(sender, flow);
    } else if (type === MESSAGE.claim) {
      const to = wordOf(payload);
      if (to === undefined) handovers.claim(sender, flow);
      else if (this.#known.has(sender)) handovers.resume(sender, flow, to);
    } else if (type === MESSAGE.release) handovers.release(sender, flow);
    else handovers.offer(sender, flow);
  }

  #refuse({ sender, pid, payload }: Letter): boolean {
    const flow = flowOf(payload);
    return flow !== undefined && this.#handovers(sender.family).refuse(sender, pid, flow);
  }

  #state({ sender, addressee, payload, flags }: Letter): boolean {
    const flow = flowOf(payload);
    const reason = reasonOf(payload);
    if (flow === undefined || reason === undefined) return this.#lies(sender, "sends nonsense about a connection");
    if (addressee === undefined) return false;
    const handovers = this.#handovers(sender.family);
    // An earlier forkd has let it be sent. Who does not hold it does not take it.
    const mayBeOwner = this.isYoung(sender) || holdOf(sender, flowId(flow)) === HOLD.owner;
    if (mayBeOwner && this.#isRecovering(sender.family)) handovers.adopt(sender, addressee, flow, reason);
    return handovers.passesState(sender, addressee, flow, (flags & MESSAGE_LAST) !== 0);
  }

  #frame({ sender, addressee, payload }: Letter): boolean {
    const flow = flowOf(payload);
    if (flow === undefined || addressee === undefined) return false;
    return this.#handovers(sender.family).passesFrame(sender, addressee, flow);
  }

  #lies(member: Member, what: string): false {
    if (!this.#liars.has(member)) this.log(`${member.name} ${what}: ignored`);
    this.#liars.add(member);
    return false;
  }
}

function reasonOf(payload: Uint8Array): Reason | undefined {
  const word = wordOf(payload);
  return Object.values(REASON).find((reason) => reason === word);
}
