// A process that follows the rules of hand-overs (docs/fork.md, "One address"), for random schedules of them: its connections are numbers that
// count what was done with them, so that nobody can go on with an old one unseen.
import assert from "node:assert/strict";
import { flowEntry, flowOf, HOLD, type ListedFlow } from "../../../tools/forkd/family/flow_pages.ts";
import { MESSAGE, MESSAGE_LAST, type Message } from "../../../tools/forkd/family/mailbox.ts";
import type { HandoverScene } from "./handover_scene.ts";

const ENTRY = 40;
const [EBADF, EBUSY, ECONNRESET] = [9, 16, 104];
const CLAIMED = 0;
const PIECES = 3;
const PIECE_BYTES = 3000;

/** What is true of all connections, whoever has them. */
export interface World {
  /** How often each has been used. */
  readonly used: Map<number, number>;
  readonly ended: Set<number>;
}

/** What a process has of a connection. */
interface Connection {
  readonly flow: ListedFlow;
  open: boolean;
  /** Uses so far, as the one who has the connection knows them; undefined where another has it. */
  uses: number | undefined;
  /** Whether the application has used it since the last fork. */
  busy: boolean;
  shared: boolean;
  claiming: boolean;
  released: boolean;
  /** Whether forkd has heard of that. */
  told: boolean;
  offered: boolean;
  /** The process that it is being sent to. */
  handing: number | undefined;
}

/** Something to send, or the word that all has been told. */
type Outgoing =
  { readonly type: number; readonly to: number; readonly flags: number; readonly payload: Buffer } | "told";

/** A process of a family in `scene`. */
export class ContractProcess {
  readonly connections = new Map<number, Connection>();
  readonly #outbox: Outgoing[] = [];

  constructor(
    private readonly scene: HandoverScene,
    private readonly world: World,
    readonly pid: number,
  ) {}

  /** A connection that nobody else knows of. */
  connect(flow: ListedFlow): void {
    this.world.used.set(flow.remotePort, 0);
    this.#add(flow, { open: true, uses: 0 });
  }

  /** A connection that waits to be accepted when there is no more listener. */
  offer(flow: ListedFlow): void {
    this.world.used.set(flow.remotePort, 0);
    this.#add(flow, { open: false, uses: 0, offered: true, shared: true });
    this.#say(MESSAGE.offer, flow);
  }

  /** The child of a fork, as it is before it has told anything. */
  fork(pid: number): ContractProcess {
    this.scene.born(pid, false);
    const child = new ContractProcess(this.scene, this.world, pid);
    for (const connection of this.connections.values()) {
      connection.busy = false;
      if (!connection.open) continue;
      connection.shared = true;
      child.#add(connection.flow, { open: true, shared: true });
    }
    return child;
  }

  /** forkd has asked for all that it has to know. */
  #tell(): void {
    const asked = this.#outbox.indexOf("told");
    if (asked >= 0) this.#outbox.splice(asked, 1);
    for (const connection of this.connections.values()) {
      const { flow, claiming, released, offered, handing } = connection;
      connection.told = true;
      if (handing !== undefined) this.#say(MESSAGE.claim, flow, [handing]);
      if (offered) this.#say(MESSAGE.offer, flow);
      else if (released) this.#say(MESSAGE.release, flow);
      else if (claiming) this.#say(MESSAGE.claim, flow);
    }
    this.#outbox.push("told");
  }

  use(port: number): void {
    const connection = this.connections.get(port);
    if (connection?.open !== true || connection.handing !== undefined) return;
    if (connection.uses === undefined) {
      if (!connection.claiming) this.#say(MESSAGE.claim, connection.flow);
      connection.claiming = true;
    } else this.#use(connection);
  }

  close(port: number): void {
    const connection = this.connections.get(port);
    if (connection?.open !== true) return;
    connection.open = false;
    if (connection.uses === undefined) {
      this.#remove(connection);
      this.#say(MESSAGE.release, connection.flow);
    } else if (connection.shared) {
      connection.released = true;
      // Of what is on its way forkd hears when it has arrived, or is to be kept.
      connection.told = connection.handing === undefined;
      if (connection.told) this.#say(MESSAGE.release, connection.flow);
    } else this.#end(connection);
  }

  /** The peer resets the connection. */
  reset(port: number): void {
    const connection = this.connections.get(port);
    if (connection?.uses !== undefined && connection.handing === undefined) this.#end(connection);
  }

  /** Sends what there is room for; false when nothing was. */
  flush(): boolean {
    const { mailbox } = this.scene.process(this.pid);
    const before = this.#outbox.length;
    for (let next = this.#outbox[0]; next !== undefined; next = this.#outbox[0]) {
      if (next === "told") {
        const member = this.scene.member(this.pid);
        this.scene.mail.serve(member);
        if (member.mailbox?.next() !== undefined) break;
        this.scene.told(this.pid);
      } else if (!mailbox.send(next.to, next.payload, next.type, next.flags)) break;
      this.#outbox.shift();
    }
    return this.#outbox.length < before;
  }

  /** Takes in one message; false when there is none. */
  receive(): boolean {
    const message = this.scene.process(this.pid).mailbox.receive();
    if (message !== undefined) this.#take(message);
    return message !== undefined;
  }

  get isBusy(): boolean {
    return this.#outbox.length > 0;
  }

  #take({ type, flags, pid, payload }: Message): void {
    if (type === MESSAGE.listening) return this.#tell();
    const flow = flowOf(payload);
    assert.ok(flow !== undefined);
    const word = (at: number): number => Buffer.from(payload).readInt32LE(ENTRY + 4 * at);
    const connection = this.connections.get(flow.remotePort);
    if (type === MESSAGE.hand) this.#hand(flow, connection, word(0), word(1));
    else if (type === MESSAGE.state) {
      if ((flags & MESSAGE_LAST) !== 0) this.#install(flow, connection, word(1), word(2) === 1);
    } else if (type === MESSAGE.sole) this.#sole(connection, payload.length > ENTRY);
    else if (type === MESSAGE.moved) this.#moved(connection);
    else if (type === MESSAGE.refuse) this.#refused(connection, word(0), pid);
    else assert.fail(`message ${type}`);
  }

  #hand(flow: ListedFlow, connection: Connection | undefined, to: number, reason: number): void {
    if (connection?.uses === undefined) return this.#say(MESSAGE.refuse, flow, [ECONNRESET], to);
    if (connection.handing === undefined && reason === CLAIMED && connection.busy && !connection.released) {
      return this.#say(MESSAGE.refuse, flow, [EBUSY], to);
    }
    connection.handing = to;
    for (let piece = 1; piece <= PIECES; piece++) {
      const words = [
        reason,
        connection.uses,
        Number(connection.offered),
        ...new Array<number>(PIECE_BYTES / 4).fill(0),
      ];
      this.#say(MESSAGE.state, flow, words, to, piece === PIECES ? MESSAGE_LAST : 0);
    }
  }

  #install(flow: ListedFlow, known: Connection | undefined, uses: number, offered: boolean): void {
    const connection = known ?? (offered ? this.#add(flow, { open: true }) : undefined);
    if (connection === undefined) return this.#say(MESSAGE.ready, flow, [EBADF]);
    if (connection.uses !== undefined) return this.#say(MESSAGE.ready, flow, [0]); // a forkd that has begun anew let it be sent again
    connection.uses = uses;
    this.scene.process(this.pid).list(flow, HOLD.owner);
    this.#say(MESSAGE.ready, flow, [0]);
    if (connection.claiming) this.#use(connection);
    connection.claiming = false;
  }

  #sole(connection: Connection | undefined, waits: boolean): void {
    if (connection?.uses === undefined) return;
    connection.handing = undefined;
    if (waits && connection.offered) return;
    if (connection.told && (connection.released || connection.offered)) this.#end(connection);
    else if (connection.released) this.#say(MESSAGE.release, connection.flow);
    connection.told = true;
  }

  #moved(connection: Connection | undefined): void {
    if (connection?.handing === undefined) return;
    connection.handing = undefined;
    connection.uses = undefined;
    connection.busy = false;
    if (connection.open) this.scene.process(this.pid).list(connection.flow, HOLD.inherited);
    else this.#remove(connection);
    if (!connection.told) this.#say(MESSAGE.release, connection.flow);
  }

  #refused(connection: Connection | undefined, errno: number, from: number): void {
    if (connection?.claiming !== true) return;
    assert.ok(errno === ECONNRESET || (errno === EBUSY && from !== 0), `errno ${errno} from ${from}`);
    connection.claiming = false;
    if (errno !== ECONNRESET) return;
    connection.open = false;
    this.#remove(connection);
    this.#say(MESSAGE.release, connection.flow);
  }

  #use(connection: Connection): void {
    const port = connection.flow.remotePort;
    const uses = this.world.used.get(port) ?? 0;
    assert.equal(connection.uses, uses, `process ${this.pid} has an old connection ${port}`);
    connection.uses = uses + 1;
    connection.busy = true;
    this.world.used.set(port, uses + 1);
  }

  #end(connection: Connection): void {
    const port = connection.flow.remotePort;
    assert.equal(connection.uses, this.world.used.get(port), `process ${this.pid} ends an old connection ${port}`);
    assert.ok(!this.world.ended.has(port), `connection ${port} ends twice`);
    this.world.ended.add(port);
    this.#remove(connection);
  }

  #add(flow: ListedFlow, state: Partial<Connection>): Connection {
    const none = { open: false, uses: undefined, busy: false, shared: false, claiming: false };
    const connection = { flow, ...none, released: false, told: true, offered: false, handing: undefined, ...state };
    this.connections.set(flow.remotePort, connection);
    this.scene.process(this.pid).list(flow, connection.uses === undefined ? HOLD.inherited : HOLD.owner);
    return connection;
  }

  #remove({ flow }: Connection): void {
    this.connections.delete(flow.remotePort);
    this.scene.process(this.pid).unlist(flow);
  }

  #say(type: number, flow: ListedFlow, words: readonly number[] = [], to = 0, flags = 0): void {
    const payload = Buffer.alloc(ENTRY + 4 * words.length);
    payload.set(flowEntry(flow));
    words.forEach((word, i) => payload.writeInt32LE(word, ENTRY + 4 * i));
    this.#outbox.push({ type, to, flags, payload });
  }
}
