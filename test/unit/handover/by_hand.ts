// Hand-overs message by message: the test is forkd, and the peer of the connection (test/unit/tcp/peer.ts), and sees every segment.
import assert from "node:assert/strict";
import { MESSAGE, MESSAGE_LAST, type Message } from "../../../tools/forkd/family/mailbox.ts";
import { Peer, type Outgoing } from "../tcp/peer.ts";
import type { StackOptions } from "../tcp/stack.ts";
import { FLOW, Reason } from "./ownership.ts";
import { Process } from "./process.ts";

/** The connection's own state while another process has it. */
export const INHERITED = 11;

/** Bits of TcpSocket.sharing. */
export const Sharing = { SHARED: 1, USED: 2, CLAIMING: 4, RELEASED: 8, OFFERED: 16, HANDING: 32, TOLD: 64, LEFT: 128 };

/** What a process has sent since the last time. */
export function sentBy(process: Process): Message[] {
  const messages: Message[] = [];
  for (let next = process.mailbox.next(); next !== undefined; next = process.mailbox.next()) {
    messages.push(next);
    process.mailbox.taken(next);
  }
  return messages;
}

/** The types of messages, of those about connections. */
export function typesOf(messages: readonly Message[]): number[] {
  return messages.map(({ type }) => type).filter((type) => type !== MESSAGE.flowPage && type !== MESSAGE.listening);
}

/** Puts a message into a process's mailbox, which takes it at once. */
export function post(process: Process, type: number, payload: Uint8Array, from = 0, flags = 0): void {
  process.mailbox.put({ type, flags, pid: from, payload });
  process.event();
}

/** A flow and words behind it. */
export function withWords(flow: Uint8Array, ...words: number[]): Uint8Array {
  const payload = new Uint8Array(FLOW + 4 * words.length);
  payload.set(flow.subarray(0, FLOW));
  words.forEach((word, index) => void new DataView(payload.buffer).setInt32(FLOW + 4 * index, word, true));
  return payload;
}

/** The flow of the peer's connection. */
export function flowOf(peer: Peer): Uint8Array {
  const flow = new Uint8Array(FLOW);
  flow.set([0xff, 0xff, 10, 0, 0, peer.host], 10);
  flow.set([0xff, 0xff, 10, 0, 0, 1], 26);
  const ports = new DataView(flow.buffer);
  ports.setUint16(32, peer.port, true);
  ports.setUint16(34, 80, true);
  flow[36] = 6;
  return flow;
}

/** The error number with which a process has answered a state; undefined when it has not. */
export function answerOf(messages: readonly Message[]): number | undefined {
  const ready = messages.find(({ type }) => type === MESSAGE.ready);
  return ready === undefined ? undefined : new DataView(ready.payload.buffer).getUint32(FLOW, true);
}

/** A process with one connection to a peer. */
export interface Connected {
  readonly parent: Process;
  readonly peer: Peer;
  readonly listener: number;
  readonly socket: number;
}

export async function connected(open: Outgoing = {}, options: StackOptions = {}): Promise<Connected> {
  const parent = await Process.first(1, options);
  const peer = Peer.of(parent);
  const listener = parent.listen(80);
  return { parent, peer, listener, socket: peer.open(listener, open) };
}

/** Has the owner send the state to process `to`: the messages, which nobody has got yet. */
export function stateOf(owner: Process, peer: Peer, to: Process, reason: number = Reason.RELEASED): Message[] {
  post(owner, MESSAGE.hand, withWords(flowOf(peer), to.pid, reason));
  const messages: Message[] = [];
  for (let more = sentBy(owner); more.length !== 0; more = sentBy(owner)) {
    messages.push(...more.filter(({ type }) => type === MESSAGE.state));
    owner.event(); // there is room again
  }
  assert.equal((messages.at(-1)?.flags ?? 0) & MESSAGE_LAST, MESSAGE_LAST);
  return messages;
}

/** Gives a state to a process; its answer. */
export function give(to: Process, messages: readonly Message[], from = 1): number | undefined {
  const answers: Message[] = [];
  for (const { type, payload, flags } of messages) {
    post(to, type, payload, from, flags);
    answers.push(...sentBy(to));
  }
  return answerOf(answers);
}

/** Hands the peer's connection from its owner to another process, wholly: the peer as that one's. */
export function handOver(owner: Process, peer: Peer, to: Process): Peer {
  to.time(owner.now);
  assert.equal(give(to, stateOf(owner, peer, to), owner.pid), 0);
  post(owner, MESSAGE.moved, flowOf(peer));
  return peer.turnTo(to);
}

/** The parent forks, and its child gets the connection. */
export function handToChild({ parent, peer }: Connected): { child: Process; peer: Peer } {
  const child = parent.fork(2);
  sentBy(parent);
  return { child, peer: handOver(parent, peer, child) };
}
