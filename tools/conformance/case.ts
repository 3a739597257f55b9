// A case: a script of frames and calls, and what must come of them. Cases register themselves by being imported.
import { Connection, type Sent } from "./connection.ts";
import { mssOption } from "./packets/tcp.ts";
import type { Subject } from "./subject/subject.ts";
import { type SubjectSocket } from "./subject/subject.ts";
import type { Tester } from "./tester.ts";
import { TESTER_ADDRESS } from "./tester.ts";

const FIRST_PORT = 30_000;

/** What a case works with. */
export class World {
  #port = FIRST_PORT;
  readonly #sockets: SubjectSocket[] = [];
  readonly #connections: Connection[] = [];

  constructor(
    readonly tester: Tester,
    readonly subject: Subject,
  ) {}

  /** A connection of ours to a port of the subject's, nothing sent yet. */
  connection(theirPort: number): Connection {
    const connection = new Connection(this.tester, this.tester.newPort(), theirPort);
    this.#connections.push(connection);
    return connection;
  }

  /** A port of the subject's that no case has used. */
  newPort(): number {
    return this.#port++;
  }

  /** A socket of the subject's, which is closed when the case is over. */
  async socket(): Promise<SubjectSocket> {
    return this.closeLater(await this.subject.socket());
  }

  /** The socket is closed when the case is over. */
  closeLater(socket: SubjectSocket): SubjectSocket {
    this.#sockets.push(socket);
    return socket;
  }

  /** The subject listens at a port of its own. */
  async listening(prepare: (socket: SubjectSocket) => Promise<unknown> = async () => undefined): Promise<Listening> {
    const port = this.newPort();
    const listener = await this.socket();
    await prepare(listener);
    mustBe(0, await listener.bind("0.0.0.0", port), "bind");
    mustBe(0, await listener.listen(), "listen");
    return { port, listener };
  }

  /** A connection that we have opened and the subject has accepted; `sent` is of the ACK that completes the handshake. */
  async established(
    options: readonly number[] = mssOption(1460),
    prepare?: (socket: SubjectSocket) => Promise<unknown>,
    sent: Sent = {},
  ): Promise<Established> {
    const { port, listener } = await this.listening(prepare);
    const connection = this.connection(port);
    await connection.send("S", { options });
    await connection.expect({ flags: "SA", ack: 1 });
    await connection.send("A", sent);
    return { connection, socket: this.closeLater(await listener.accept()), listener };
  }

  /** The subject has begun to connect to us: its SYN has come. */
  async connecting(): Promise<Established> {
    const socket = await this.socket();
    const ownPort = this.tester.newPort();
    await socket.connect(TESTER_ADDRESS, ownPort);
    const arrivals = this.tester.arrivals(ownPort);
    const first = await this.tester.until("a SYN", () => arrivals[0]);
    const connection = new Connection(this.tester, ownPort, first.segment.sourcePort);
    this.#connections.push(connection);
    await connection.expect({ flags: "S" });
    return { connection, socket, listener: socket };
  }

  /** The end of the case: nothing of it is left at the subject. */
  async end(): Promise<void> {
    for (const socket of this.#sockets.splice(0)) await socket.close();
    for (const connection of this.#connections.splice(0)) await connection.send("R", { sequence: connection.next });
    await this.tester.fence();
  }
}

/** A socket that listens. */
export interface Listening {
  readonly port: number;
  readonly listener: SubjectSocket;
}

/** A connection, and the subject's socket for it. */
export interface Established {
  readonly connection: Connection;
  readonly socket: SubjectSocket;
  readonly listener: SubjectSocket;
}

/** A case. */
export interface Case {
  readonly name: string;
  readonly run: (world: World) => Promise<void>;
}

const cases: Case[] = [];

/** Registers a case. The comment above names the requirements that it shows. */
export function conformance(name: string, run: (world: World) => Promise<void>): void {
  cases.push({ name, run });
}

/** All cases that have been imported. */
export function allCases(): readonly Case[] {
  return cases;
}

function mustBe(expected: number, result: number, what: string): void {
  if (result !== expected) throw new Error(`${what} of the subject failed with ${result}`);
}
