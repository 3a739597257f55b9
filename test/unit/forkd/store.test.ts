// The connection to xenstored when xenstored is slow, gone, or was never there: one clear error, and nobody waits for ever.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { lockHost } from "../../../tools/forkd/lock.ts";
import { checkDevices } from "../../../tools/forkd/preconditions.ts";
import { Store } from "../../../tools/forkd/xen/store.ts";

const XS_READ = 2;
let folder = "";
let server: Server | undefined;
const sockets: Socket[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "forkd-"));
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server?.close();
  await rm(folder, { recursive: true });
});

/** A xenstored that does with each request what `answer` says. */
function xenstored(answer: (socket: Socket, request: Buffer) => void): Promise<string> {
  const path = join(folder, "socket");
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on("data", (bytes: Buffer) => answer(socket, bytes)).on("error", () => undefined);
  });
  return new Promise((resolve) => server?.listen(path, () => resolve(path)));
}

function reply(request: Buffer, payload: string): Buffer {
  const header = Buffer.from(request.subarray(0, 16));
  header.writeUInt32LE(payload.length, 12);
  return Buffer.concat([header, Buffer.from(payload)]);
}

test("no xenstored", async () => {
  await assert.rejects(Store.open(join(folder, "none")), { code: "XENSTORE", message: /cannot connect to .*none/ });
});

test("a xenstored that is slow is waited for", async () => {
  const path = await xenstored((socket, bytes) => setTimeout(() => socket.write(reply(bytes, "value")), 100));
  const store = await Store.open(path, 1000);
  assert.equal(await store.read("/a"), "value");
  store.close();
});

test("a xenstored that falls silent counts as gone: whoever waits hears it, and so does the daemon", async () => {
  const path = await xenstored((_socket, bytes) => assert.equal(bytes.readUInt32LE(0), XS_READ));
  const store = await Store.open(path, 100);
  const lost = new Promise<string>((resolve) => store.onClose(({ message }) => resolve(message)));
  const expected = { code: "XENSTORE", message: /has not answered for 0.1 s/ };
  await Promise.all([assert.rejects(store.read("/a"), expected), assert.rejects(store.read("/b"), expected)]);
  assert.match(await lost, /has not answered/);
  await assert.rejects(store.read("/c"), expected);
});

test("a xenstored that closes the connection", async () => {
  const path = await xenstored((socket) => socket.end());
  const store = await Store.open(path);
  await assert.rejects(store.read("/a"), { code: "XENSTORE", message: /closed the connection/ });
});

test("a second forkd is refused", () => {
  const file = join(folder, "run/forkd.lock");
  lockHost(file);
  assert.throws(() => lockHost(file), { code: "FORKD_RUNS", message: /forkd is already running on this host/ });
});

test("a host without Xen, and a forkd without rights, are told apart", async () => {
  await assert.rejects(checkDevices([join(folder, "privcmd")]), { code: "NO_XEN", message: /there is no .*privcmd/ });
  await assert.rejects(checkDevices(["/proc/self/maps/x"]), { code: "FORKD_RIGHTS" });
  await checkDevices([folder]);
});
