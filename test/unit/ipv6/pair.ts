// Two stacks on one simulated network that speak TCP over IPv6, with their link-local addresses.
import assert from "node:assert/strict";
import { Network } from "../../support/network.ts";
import { Errno, Stack, State } from "../tcp/stack.ts";
import { ip6 } from "./frames.ts";
import { HARNESS } from "./host.ts";

const ADDRESS = 0x20000;

/** The address in memory, for a call. */
export function at(stack: Stack, text: string): number {
  stack.write(ADDRESS, ip6(text));
  return ADDRESS;
}

export function listen6(stack: Stack, port: number, only6 = false, address = "::"): number {
  const socket = stack.call("tcpSocketCreate", true);
  if (only6) stack.call("setOnly6", socket);
  assert.equal(stack.call("tcpBind", socket, at(stack, address), port), 0);
  assert.equal(stack.call("tcpListen", socket, 8), 0);
  return socket;
}

export function connect6(stack: Stack, address: string, port: number): number {
  const socket = stack.call("tcpSocketCreate", true);
  assert.equal(stack.call("tcpConnect", socket, at(stack, address), port, stack.now), -Errno.EINPROGRESS);
  return socket;
}

export interface Pair {
  readonly network: Network;
  readonly client: Stack;
  readonly server: Stack;
}

/** `conditions` begin once both have their addresses; `features` are their devices'. */
export async function pair(seed: number, conditions = {}, features = 0): Promise<Pair> {
  const network = new Network(seed);
  const make = (host: number): Promise<Stack> => Stack.create(host, { seed, harness: HARNESS, features });
  const [server, client] = [await make(1), await make(2)];
  for (const stack of [server, client]) {
    stack.join(network);
    stack.write(stack.scratch, Buffer.from("auto"));
    assert.equal(stack.call("startIpv6", stack.scratch, 4, stack.now), 0);
  }
  network.pass(20_000);
  network.conditions = conditions;
  return { network, client, server };
}

/** What `client` sends to port 80 of `server`, at `address`, arrives as it is, within five minutes. */
export function transfer({ network, client, server }: Pair, address: string, data: Uint8Array): void {
  const listener = listen6(server, 80);
  const socket = connect6(client, address, 80);
  const received: Uint8Array[] = [];
  let child = 0;
  let sent = 0;
  let length = 0;
  network.run(
    "ipv6-transfer",
    300_000,
    () => length === data.length,
    () => {
      if (child === 0) child = server.accept(listener);
      if (client.field(socket, "state") === State.ESTABLISHED && sent < data.length) {
        const taken = client.send(socket, data.subarray(sent, sent + 60_000));
        if (taken > 0) sent += taken;
      }
      for (let part = child === 0 ? 0 : server.read(child); typeof part !== "number"; part = server.read(child)) {
        received.push(part);
        length += part.length;
      }
    },
  );
  assert.ok(Buffer.concat(received).equals(data));
}
