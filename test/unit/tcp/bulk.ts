// One long transfer over a simulated path, and what it came to: for the tests of throughput and recovery.
import { Network, type Conditions } from "../../support/network.ts";
import { Random } from "../../support/random.ts";
import { Errno, Stack, type StackOptions } from "./stack.ts";

export const CUBIC = 0;
export const NEW_RENO = 1;

export interface Bulk {
  readonly conditions: Conditions;
  readonly congestion: number;
  readonly bytes: number;
  readonly seed: number;
  /** SO_SNDBUF and SO_RCVBUF. */
  readonly buffer?: number;
  readonly limitMilliseconds?: number;
  readonly options?: StackOptions;
  /** The sender asks for ECN. */
  readonly ecn?: boolean;
  /** Network.congested. */
  readonly congested?: (frame: Uint8Array) => boolean;
}

export interface BulkResult {
  readonly milliseconds: number;
  /** Frames sent by the sender, and those of them that the network lost or dropped. */
  readonly frames: number;
  readonly lost: number;
  /** Frames that the network has marked. */
  readonly marked: number;
}

/** Sends `bytes` from one stack to another; the clock runs from the first byte sent to the last received. */
export async function bulk(run: Bulk): Promise<BulkResult> {
  const { seed, bytes, buffer } = run;
  const network = new Network(seed, {});
  const server = (await Stack.create(1, { seed, ...run.options })).join(network);
  const client = (await Stack.create(2, { seed, ...run.options })).join(network);
  let marked = 0;
  network.congested = (frame): boolean => {
    const passes = run.congested?.(frame) ?? false;
    if (passes) marked += 1;
    return passes;
  };
  const listener = server.listen(80);
  if (buffer !== undefined) server.call("tcpSetReceiveLimit", listener, buffer);
  const source = client.socket();
  client.call("tcpSetCongestionControl", source, run.congestion);
  if (run.ecn === true) client.call("tcpSetEcn", source, 1);
  if (buffer !== undefined) client.call("tcpSetSendLimit", source, buffer);
  network.conditions = { ...run.conditions, loss: 0, reorder: 0 };
  client.connect(server.address, 80, source);
  let child = 0;
  network.run("connect", 10_000, () => (child = server.accept(listener)) !== 0);
  network.conditions = run.conditions;
  const started = network.now;
  const before = network.sent;
  const chunk = new Random(seed).bytes(65_536);
  let sent = 0;
  let received = 0;
  network.run(
    `bulk seed ${seed}`,
    run.limitMilliseconds ?? 600_000,
    () => received === bytes,
    () => {
      while (sent < bytes) {
        const taken = client.send(source, chunk.subarray(0, Math.min(chunk.length, bytes - sent)));
        if (taken === -Errno.EAGAIN) break;
        if (taken < 0) throw new Error(`send: ${taken}`);
        sent += taken;
      }
      for (let part = server.read(child); typeof part !== "number"; part = server.read(child)) received += part.length;
    },
  );
  const milliseconds = Number(network.now - started) / 1e6;
  return { milliseconds, frames: network.sent - before, lost: network.lost + network.dropped, marked };
}
