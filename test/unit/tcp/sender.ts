// A stack that sends to a peer of known mss and window, for the tests of sending.
import { mssOption, Peer, type Outgoing } from "./peer.ts";
import type { StackOptions } from "./stack.ts";

export const MSS = 1000;

export async function established(
  window = 65535,
  options: StackOptions = {},
): Promise<{ peer: Peer; child: number; listener: number }> {
  const peer = await Peer.create(options);
  const listener = peer.stack.listen(80);
  const child = peer.open(listener, { window, options: Uint8Array.from(mssOption(MSS)) });
  return { peer, child, listener };
}

export function ack(number: number, window = 65535): Outgoing {
  return { sequence: 1, ack: number, window };
}

export function text(length: number): Uint8Array {
  return new Uint8Array(length).fill(0x78);
}
