// A connection goes from one process of a family to another: no byte is lost, doubled or out of order, and the peer sees one connection.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Network } from "../../support/network.ts";
import { Errno, Stack, State } from "../tcp/stack.ts";
import { Family } from "./family.ts";
import type { Process } from "./process.ts";

const INHERITED = 11;
const PORT = 80;

interface Scene {
  readonly network: Network;
  readonly family: Family;
  readonly parent: Process;
  readonly client: Stack;
  readonly listener: number;
  /** The client's socket and the parent's. */
  readonly far: number;
  readonly near: number;
}

async function scene(): Promise<Scene> {
  const network = new Network(1);
  const family = await Family.create(network, 1);
  const parent = family.first;
  const client = (await Stack.create(2)).join(network);
  const listener = parent.listen(PORT);
  const far = client.connect(parent.address, PORT);
  let near = 0;
  network.run("open", 1000, () => (near = near === 0 ? parent.accept(listener) : near) !== 0);
  network.pass(10);
  return { network, family, parent, client, listener, far, near };
}

test("a child that reads what its parent has accepted gets the connection", async () => {
  const { network, family, parent, client, far, near } = await scene();
  client.send(far, "before");
  network.pass(10);
  const child = family.fork(parent);
  assert.equal(child.field(near, "state"), INHERITED);
  assert.equal(child.read(near), -Errno.EAGAIN);
  network.pass(10);
  assert.equal(child.field(near, "state"), State.ESTABLISHED);
  assert.equal(parent.field(near, "state"), INHERITED);
  assert.equal(child.readText(near), "before");
  client.send(far, "after");
  network.pass(100);
  assert.equal(child.readText(near), "after");
  child.send(near, "answer");
  network.pass(10);
  assert.equal(client.readText(far), "answer");
  assert.equal(family.moved, 1);
  parent.close(near);
  child.close(near);
  client.close(far);
  network.pass(5000);
  assert.equal(parent.call("socketCount"), 1);
  assert.equal(child.call("socketCount"), 1);
  assert.equal(client.call("socketCount"), 0);
});
