// Listeners of a family: a connection that waits where nobody accepts goes to who does, and closing a listener loses none.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Network } from "../../support/network.ts";
import { Errno, Stack, State } from "../tcp/stack.ts";
import { Family } from "./family.ts";
import type { Process } from "./process.ts";

const PORT = 80;
const ECONNREFUSED = 111;

interface Scene {
  readonly network: Network;
  readonly family: Family;
  /** Who leads: what nobody shares or owns comes here. */
  readonly parent: Process;
  readonly client: Stack;
  readonly listener: number;
}

async function scene(): Promise<Scene> {
  const network = new Network(1);
  const family = await Family.create(network, 1);
  const parent = family.first;
  const client = (await Stack.create(2)).join(network);
  return { network, family, parent, client, listener: parent.listen(PORT) };
}

/** A client that connects and says something. */
function connects({ network, parent, client }: Scene, text: string): number {
  const socket = client.connect(parent.address, PORT);
  network.run("connect", 1000, () => client.field(socket, "state") === State.ESTABLISHED);
  client.send(socket, text);
  network.pass(10);
  return socket;
}

/** The next connection that `process` accepts, of which it has read `text`. */
function accepts({ network, listener }: Scene, process: Process, text: string): number {
  let socket = 0;
  network.run("accept", 2000, () => (socket = process.accept(listener)) !== 0);
  network.pass(10);
  assert.equal(process.readText(socket), text);
  return socket;
}

/** A connection that the parent has accepted, and on which text waits. */
async function accepted(): Promise<Scene & { readonly far: number; readonly near: number }> {
  const scenery = await scene();
  const far = connects(scenery, "before");
  scenery.parent.poll(scenery.listener);
  let near = 0;
  scenery.network.run("accept", 2000, () => (near = scenery.parent.accept(scenery.listener)) !== 0);
  return { ...scenery, far, near };
}

test("what comes while nobody accepts, or has come before the fork, goes to the child that does", async () => {
  const scenery = await scene();
  const { network, family, parent, client, listener } = scenery;
  connects(scenery, "before the fork");
  const child = family.fork(parent);
  const far = connects(scenery, "afterwards");
  assert.equal(child.accept(listener), 0);
  child.poll(listener);
  network.pass(50);
  assert.equal(family.moved, 2);
  accepts(scenery, child, "before the fork");
  const near = accepts(scenery, child, "afterwards");
  child.send(near, "answer");
  network.pass(10);
  assert.equal(client.readText(far), "answer");
  assert.equal(parent.accept(listener), 0);
  assert.equal(parent.call("unfinished"), 0);
});

test("the parent that waits for connections after all gets what nobody has taken", async () => {
  const scenery = await scene();
  const { network, family, parent, listener } = scenery;
  const child = family.fork(parent);
  connects(scenery, "waits");
  parent.poll(listener);
  accepts(scenery, parent, "waits");
  child.poll(listener);
  network.pass(50);
  assert.equal(family.moved, 0);
  assert.equal(child.accept(listener), 0);
});

test("a closed listener answers until forkd sends nobody there any more; what comes meanwhile goes to the others", async () => {
  const scenery = await scene();
  const { network, family, parent, client, listener } = scenery;
  const child = family.fork(parent);
  for (const process of [parent, child]) process.poll(listener);
  connects(scenery, "in the queue");
  family.serving = false;
  parent.call("tcpClose", listener, parent.now);
  const early = client.connect(parent.address, PORT);
  network.pass(3000);
  assert.equal(client.field(early, "state"), State.ESTABLISHED, "forkd has not answered");
  assert.equal(parent.call("unfinished"), 1);
  client.send(early, "on its way");
  family.serving = true;
  accepts(scenery, child, "in the queue");
  accepts(scenery, child, "on its way");
  network.pass(1500);
  assert.equal(parent.call("unfinished"), 0);
  const late = client.connect(parent.address, PORT);
  network.pass(10);
  assert.equal(client.call("tcpTakeError", late), ECONNREFUSED);
});

test("a port can be listened on again at once, and newcomers are the new listener's", async () => {
  const scenery = await scene();
  const { family, parent, listener } = scenery;
  const child = family.fork(parent);
  for (const process of [parent, child]) process.poll(listener);
  parent.call("tcpClose", listener, parent.now);
  const again = parent.listen(PORT);
  assert.ok(again > 0 && again !== listener);
  parent.poll(again);
  connects(scenery, "again");
  accepts({ ...scenery, listener: again }, parent, "again");
  assert.equal(child.accept(listener), 0);
});

test("what waits for a child that ends, while nobody else accepts, waits with who leads for the next that does", async () => {
  const scenery = await scene();
  const { network, family, parent, client, listener } = scenery;
  const child = family.fork(parent);
  child.poll(listener);
  const far = connects(scenery, "waits");
  network.pass(50);
  assert.equal(family.moved, 1);
  child.call("tcpClose", listener, child.now);
  network.pass(2000);
  assert.equal(child.call("unfinished"), 0);
  assert.equal(family.moved, 2);
  family.end(child);
  network.pass(30_000);
  const next = family.fork(parent);
  next.poll(listener);
  const near = accepts(scenery, next, "waits");
  next.send(near, "answer");
  network.pass(10);
  assert.equal(client.readText(far), "answer");
});

test("what nobody takes is reset when its listener is closed, in time", async () => {
  const scenery = await scene();
  const { network, family, parent, client, listener } = scenery;
  const child = family.fork(parent);
  const far = connects(scenery, "hello");
  parent.call("tcpClose", listener, parent.now);
  network.pass(9000);
  assert.equal(client.read(far), -Errno.EAGAIN);
  network.pass(2000);
  assert.equal(client.read(far), -Errno.ECONNRESET);
  assert.equal(parent.call("unfinished"), 0);
  child.poll(listener);
  network.pass(50);
  assert.equal(child.accept(listener), 0);
});

test("a child takes over nothing before its network device is connected; until then its parent has what it has closed", async () => {
  for (const connects of [true, false]) {
    const { network, family, parent, client, listener, far, near } = await accepted();
    const child = family.fork(parent);
    child.call("deviceConnected", 0);
    child.poll(listener);
    parent.call("tcpClose", near, parent.now);
    assert.equal(child.read(near), -Errno.EAGAIN);
    client.send(far, ", and after");
    network.pass(1500);
    assert.equal(family.moved, 0);
    assert.equal(client.field(far, "sendUnacknowledged"), client.field(far, "sendMax"), "the parent acknowledges");
    assert.equal(parent.call("unfinished"), 1);
    if (connects) child.call("deviceConnected", 1);
    network.pass(connects ? 50 : 1000); // a device that does not come is not waited for longer than two seconds
    assert.equal(family.moved, 1);
    assert.equal(child.readText(near), "before, and after");
    assert.equal(parent.call("unfinished"), 0);
  }
});
