// The messages between the members of a family: taken out of one's mailbox, put into another's, with forkd's word for who sent them. A
// member whose message finds no room is not read further until the addressee has made some; forkd itself keeps nothing but what it has to say
// to a member. Somebody whose mailbox is not in order gets no more mail, and hurts nobody else.
import { describeError } from "../../support/errors.ts";
import type { Log } from "../../support/log.ts";
import type { Member } from "./family.ts";
import type { Mailbox, Message } from "./mailbox.ts";
import type { Members } from "./members.ts";

/** How many messages of one member are dealt with before others have their turn. */
const TURN = 64;
const FORKD = 0;

/** A message on its way. */
export interface Letter extends Message {
  readonly sender: Member;
  /** Undefined when it is for forkd, and when there is no process `pid` (any more). */
  readonly addressee: Member | undefined;
}

/**
 * Hears of messages of a type, just before they are passed on, in each one's order: of messages to forkd, to whom nobody passes them,
 * and of those to others, which it can keep from being passed on by returning false. Must not throw for what a guest has written.
 */
export type LetterHandler = (letter: Letter) => boolean;

/** Carries messages between members. */
export class Mail {
  readonly #handlers = new Map<number, LetterHandler>();
  /** What forkd has to say to members who have no room. */
  readonly #waiting = new Map<Member, Message[]>();
  /** Who is not read before somebody makes room. */
  readonly #blocked = new Map<Member, Set<Member>>();
  /** Members whose mailbox is of no use. */
  readonly #broken = new WeakSet<Member>();
  /** Members with something new to read, or room, of which they are to be told. */
  readonly #touched = new Set<Member>();

  constructor(
    private readonly members: Pick<Members, "serves" | "notify">,
    private readonly log: Log,
  ) {}

  /** Lets `handler` hear of messages of a type. */
  handle(type: number, handler: LetterHandler): void {
    this.#handlers.set(type, handler);
  }

  /** Says something to a member, in forkd's name or, with `pid`, another's; it waits for room if need be. */
  post(member: Member, { type, flags = 0, pid = FORKD, payload }: NewMessage): void {
    this.#post(member, { type, flags, pid, payload });
    this.#tell();
  }

  /** Deals with an event of `member`'s: it has sent messages, or has made room. */
  serve(member: Member): void {
    this.#deliver(member);
    this.#resume(member);
    this.#read(member);
    this.#tell();
  }

  /** The mailbox of a member cannot be used: nobody is to wait for it. */
  giveUp(member: Member, error: unknown): void {
    if (this.#broken.has(member)) return;
    this.#broken.add(member);
    this.#waiting.delete(member);
    this.log(`${member.name} gets no mail any more: ${describeError(error)}`);
    this.#resume(member);
    this.#tell();
  }

  /** Whether a member's mailbox is of use, as far as is known. */
  reaches(member: Member): boolean {
    return !this.#broken.has(member);
  }

  /** What an ended member has still sent goes its way, while its mailbox is mapped; nothing waits for it. */
  lastWords(member: Member): void {
    this.#waiting.delete(member);
    for (const senders of this.#blocked.values()) senders.delete(member);
    const { mailbox } = member;
    if (mailbox === undefined || this.#broken.has(member)) return;
    try {
      for (let message = mailbox.next(); message !== undefined; message = mailbox.next()) {
        mailbox.taken(message);
        const letter = this.#letter(member, message);
        if (this.#admits(letter) && letter.addressee !== undefined) {
          this.#post(letter.addressee, { ...message, pid: member.pid });
        }
      }
    } catch (error) {
      this.log(`${member.name} left a mailbox that cannot be read: ${describeError(error)}`);
    }
    this.#tell();
  }

  /** A member is no more in its family: who waited for it goes on. */
  forget(member: Member): void {
    this.#waiting.delete(member);
    this.#resume(member);
    this.#tell();
  }

  #post(member: Member, message: Message): void {
    if (this.#broken.has(member)) return;
    const waiting = this.#waiting.get(member) ?? [];
    this.#waiting.set(member, [...waiting, message]);
    this.#deliver(member);
  }

  /** Puts in what forkd has to say to a member, as far as there is room. */
  #deliver(member: Member): void {
    const waiting = this.#waiting.get(member) ?? [];
    for (let message = waiting[0]; message !== undefined && this.#put(member, message); message = waiting[0])
      waiting.shift();
    if (waiting.length === 0) this.#waiting.delete(member);
  }

  #put(member: Member, message: Message): boolean {
    const { mailbox } = member;
    if (mailbox === undefined || !this.#hasRoom(member, mailbox, message)) return false;
    mailbox.put(message);
    this.#touched.add(member);
    return true;
  }

  #hasRoom(member: Member, mailbox: Mailbox, message: Message): boolean {
    try {
      return mailbox.hasRoom(message);
    } catch (error) {
      this.giveUp(member, error);
      return false;
    }
  }

  /** Reads those again who waited for `member`. */
  #resume(member: Member): void {
    const senders = this.#blocked.get(member);
    this.#blocked.delete(member);
    for (const sender of senders ?? []) this.#read(sender);
  }

  #read(sender: Member): void {
    // Answers have no room: one who asks and does not listen is not asked what more it wants.
    for (let turn = TURN; this.members.serves(sender) && !this.#waiting.has(sender); turn--) {
      const { mailbox } = sender;
      if (mailbox === undefined || this.#broken.has(sender)) return;
      if (turn === 0) return void setImmediate(() => this.serve(sender));
      try {
        const message = mailbox.next();
        if (message === undefined || !this.#carry(sender, message)) return;
        if (mailbox.taken(message)) this.#touched.add(sender);
      } catch (error) {
        return this.giveUp(sender, error);
      }
    }
  }

  /** Passes one message on; false when its addressee has no room. */
  #carry(sender: Member, message: Message): boolean {
    const letter = this.#letter(sender, message);
    const { addressee } = letter;
    if (addressee === undefined) return this.#admits(letter) || true;
    if (this.#waiting.has(addressee) || addressee.mailbox === undefined) return this.#block(sender, addressee);
    const forwarded = { ...message, pid: sender.pid };
    if (!this.#hasRoom(addressee, addressee.mailbox, forwarded)) {
      return this.#broken.has(addressee) || this.#block(sender, addressee);
    }
    if (this.#admits(letter)) this.#put(addressee, forwarded);
    return true;
  }

  #block(sender: Member, addressee: Member): boolean {
    const senders = this.#blocked.get(addressee) ?? new Set();
    this.#blocked.set(addressee, senders.add(sender));
    return false;
  }

  #letter(sender: Member, message: Message): Letter {
    const found = message.pid === FORKD ? undefined : sender.family.members.get(message.pid);
    const reachable = found !== undefined && !found.ending && !this.#broken.has(found);
    return { ...message, sender, addressee: reachable ? found : undefined };
  }

  /** Whether who hears of it lets it pass. */
  #admits(letter: Letter): boolean {
    try {
      return this.#handlers.get(letter.type)?.(letter) ?? true;
    } catch (error) {
      this.log(`${letter.sender.name}: message ${letter.type}: ${describeError(error)}`);
      return false;
    }
  }

  #tell(): void {
    for (const member of this.#touched) this.members.notify(member);
    this.#touched.clear();
  }
}

/** What forkd says. */
export type NewMessage = Pick<Message, "type" | "payload"> & Partial<Message>;
