// Connecting the interface of a shell: when it comes late, when it is refused, and when the shell is removed meanwhile.
import assert from "node:assert/strict";
import { test } from "node:test";
import { connectDevice } from "../../../../tools/forkd/steering/hotplug.ts";
import { addedDevice } from "../../../../tools/forkd/xenstore_nodes.ts";
import { KaryonError } from "../../../../tools/support/errors.ts";
import { store, useXenstored, xenstored } from "../store_support.ts";

useXenstored();

const device = addedDevice(4, { index: "0", bridge: "xenbr0", script: "vif-bridge", mac: "00:16:3e:00:00:04" });
const log: string[] = [];

function connect(attempt: () => boolean): Promise<void> {
  log.length = 0;
  return connectDevice(store, device, attempt, (text) => void log.push(text));
}

function refuse(): never {
  throw new KaryonError("NETLINK_REFUSED", "no such interface");
}

test("an interface is connected as soon as it is there, and netback is told", async () => {
  xenstored.change(`${device.backend}/state`, "2");
  let attempts = 0;
  await connect(() => ++attempts === 3);
  assert.equal(attempts, 3);
  assert.equal(xenstored.nodes.get(`${device.backend}/hotplug-status`), "connected");
  assert.deepEqual(log, []);
});

test("what an earlier forkd has connected stays as it is", async () => {
  xenstored.change(`${device.backend}/state`, "4");
  xenstored.change(`${device.backend}/hotplug-status`, "connected");
  await connect(() => assert.fail("connected again"));
  assert.deepEqual(log, []);
});

test("what is refused is logged, and netback is told nothing", async () => {
  xenstored.change(`${device.backend}/state`, "2");
  await connect(refuse);
  assert.deepEqual(log, ["vif4.0 cannot be connected: no such interface [NETLINK_REFUSED]"]);
  assert.ok(!xenstored.nodes.has(`${device.backend}/hotplug-status`));
});

test("the interface of a shell that is removed is nobody's concern", async () => {
  await connect(refuse);
  assert.deepEqual(log, []);
  xenstored.change(`${device.backend}/state`, "2");
  await connect(() => {
    xenstored.nodes.delete(`${device.backend}/state`);
    return refuse();
  });
  assert.deepEqual(log, []);
});
