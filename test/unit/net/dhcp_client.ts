// DHCP clients that tests begin with: one that has just started, and one that has its lease.
import assert from "node:assert/strict";
import { DhcpServer } from "./dhcp_server.ts";
import { ipText } from "./frames.ts";
import { Stack } from "./stack.ts";

/** States of the client (libos/net/dhcp/client.ts). */
export const SELECTING = 2;
export const REQUESTING = 3;
export const BOUND = 4;
export const RENEWING = 5;
export const REBINDING = 6;
export const REBOOTING = 7;

/** A client that begins to search. */
export async function start(seed = 1): Promise<{ stack: Stack; server: DhcpServer }> {
  const stack = await Stack.create({ configured: false, seed });
  const server = new DhcpServer(stack);
  assert.equal(stack.call.runDhcp(stack.now), 0);
  return { stack, server };
}

/** A client with an address. */
export async function bound(leaseSeconds = 3600): Promise<{ stack: Stack; server: DhcpServer }> {
  const { stack, server } = await start();
  server.leaseSeconds = leaseSeconds;
  server.serve();
  assert.equal(stack.call.dhcpState(), BOUND);
  server.seen.length = 0;
  return { stack, server };
}

/** The address of the interface, as text. */
export function address(stack: Stack): string {
  return ipText(stack.call.interfaceAddress());
}
