import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BROADCAST_MAC,
  OUR_IP,
  PEER_IP,
  ip,
  ipv4Frame,
  ipText,
  parseIpv4,
  parseUdp,
  transportChecksum,
  udp,
  udpFrame,
} from "./frames.ts";
import {
  CHECKSUM_OFFLOAD_TX,
  EACCES,
  EADDRINUSE,
  EADDRNOTAVAIL,
  EAGAIN,
  EDESTADDRREQ,
  EINVAL,
  EMSGSIZE,
  ENETUNREACH,
  EPIPE,
  READABLE,
  WRITABLE,
  RX_CHECKSUM_BLANK,
  RX_CHECKSUM_VALID,
  SECOND,
  Stack,
  TX_CHECKSUM_BLANK,
} from "./stack.ts";

const PORTS = { sourcePort: 1000, destinationPort: 5000 };

test("a datagram arrives with its sender", async () => {
  const stack = await Stack.create();
  const socket = stack.socket(5000);
  assert.equal(stack.call.udpPollEvents(socket), WRITABLE);
  stack.input(udpFrame(PORTS, Buffer.from("hello")));
  assert.equal(stack.call.udpPollEvents(socket), READABLE | WRITABLE);
  assert.deepEqual(stack.receive(socket), Buffer.from("hello"));
  assert.equal(ipText(stack.call.peerAddress()), PEER_IP);
  assert.equal(stack.call.peerPort(), 1000);
  assert.equal(stack.receive(socket), -EAGAIN);
});

test("a short buffer truncates, a peek takes nothing, an empty datagram is one", async () => {
  const stack = await Stack.create();
  const socket = stack.socket(5000);
  stack.input(udpFrame(PORTS, Buffer.from("hello")));
  stack.input(udpFrame(PORTS, Buffer.alloc(0)));
  assert.equal(stack.call.peek(socket, 0x190000, 2), 2);
  assert.deepEqual(stack.receive(socket, 2), Buffer.from("he"));
  assert.equal(stack.call.peerLength(), 5);
  assert.deepEqual(stack.receive(socket), Buffer.alloc(0));
  assert.equal(stack.receive(socket), -EAGAIN);
});

test("checksums: wrong ones drop, zero means none, the device's word is taken", async () => {
  const stack = await Stack.create();
  const socket = stack.socket(5000);
  const arrives = (checksum: "right" | "wrong" | "none" | "blank", flags: number): boolean => {
    stack.input(udpFrame({ ...PORTS, checksum }, Buffer.from("odd")), flags);
    return typeof stack.receive(socket) !== "number";
  };
  assert.equal(arrives("right", 0), true);
  assert.equal(arrives("wrong", 0), false);
  assert.equal(arrives("none", 0), true);
  assert.equal(arrives("blank", 0), false);
  assert.equal(arrives("blank", RX_CHECKSUM_BLANK), true);
  assert.equal(arrives("right", RX_CHECKSUM_VALID), true);
});

test("length fields: shorter than the packet is cut, longer or impossible is dropped", async () => {
  const stack = await Stack.create();
  const socket = stack.socket(5000);
  const withLength = (length: number): Buffer | number => {
    const datagram = udp({ ...PORTS, checksum: "none" }, Buffer.from("12345678"));
    datagram.writeUInt16BE(length, 4);
    stack.input(ipv4Frame({ protocol: 17 }, datagram));
    return stack.receive(socket);
  };
  assert.deepEqual(withLength(16), Buffer.from("12345678"));
  assert.deepEqual(withLength(12), Buffer.from("1234"));
  assert.equal(withLength(17), -EAGAIN);
  assert.equal(withLength(7), -EAGAIN);
  assert.equal(withLength(0), -EAGAIN);
  stack.input(ipv4Frame({ protocol: 17 }, Buffer.alloc(7)));
  assert.equal(stack.receive(socket), -EAGAIN);
});

test("sent datagrams have the right checksum, or the pseudo-header sum for a device that completes it", async () => {
  for (const features of [0, CHECKSUM_OFFLOAD_TX]) {
    const stack = await Stack.create({ features });
    assert.equal(stack.send(stack.socket(5000), Buffer.from("hello"), PEER_IP, 7), 5);
    const [sent] = stack.sent;
    assert.ok(sent);
    const datagram = parseUdp(sent.frame);
    assert.deepEqual([datagram.sourcePort, datagram.destinationPort, datagram.data.toString()], [5000, 7, "hello"]);
    if (features === 0) {
      assert.equal(datagram.checksumRight, true);
      assert.equal(sent.flags, 0);
    } else {
      const blank = udp(
        { sourcePort: 5000, destinationPort: 7, source: OUR_IP, destination: PEER_IP, checksum: "blank" },
        Buffer.from("hello"),
      );
      assert.deepEqual(datagram.payload, blank);
      assert.equal(sent.flags, TX_CHECKSUM_BLANK);
    }
  }
});

test("a computed checksum of zero is sent as all ones", async () => {
  const stack = await Stack.create();
  const socket = stack.socket(5000);
  const fields = { sourcePort: 5000, destinationPort: 7, source: OUR_IP, destination: PEER_IP };
  const rest = transportChecksum(OUR_IP, PEER_IP, 17, udp({ ...fields, checksum: "none" }, Buffer.alloc(2)));
  stack.send(socket, Buffer.from([rest >> 8, rest & 255]), PEER_IP, 7);
  const [frame] = stack.take();
  assert.equal(frame && parseUdp(frame).payload.readUInt16BE(6), 0xffff);
});

test("bind: one owner for an address and port", async () => {
  const stack = await Stack.create();
  stack.socket(5000);
  const bind = (address: string, port: number): number => stack.call.bind(stack.call.socketCreate(), ip(address), port);
  assert.equal(bind("0.0.0.0", 5000), -EADDRINUSE);
  assert.equal(bind(OUR_IP, 5000), -EADDRINUSE);
  assert.equal(bind("10.0.2.99", 5001), -EADDRNOTAVAIL);
  assert.equal(bind(OUR_IP, 5001), 0);
  assert.equal(bind("127.0.0.1", 5001), 0);
  assert.equal(bind("0.0.0.0", 5001), -EADDRINUSE);
  const socket = stack.socket(5002);
  assert.equal(stack.call.bind(socket, 0, 5003), -EINVAL);
});

test("bind: SO_REUSEADDR on both sockets shares a port", async () => {
  const stack = await Stack.create();
  const sockets = [stack.call.socketCreate(), stack.call.socketCreate()];
  for (const socket of sockets) {
    stack.call.socketReuse(socket);
    assert.equal(stack.call.bind(socket, 0, 5000), 0);
  }
  stack.input(udpFrame({ ...PORTS, destination: "10.0.2.255" }, Buffer.from("all"), BROADCAST_MAC));
  for (const socket of sockets) assert.deepEqual(stack.receive(socket), Buffer.from("all"));
});

test("bind: port 0 chooses a free ephemeral port, not in order", async () => {
  const stack = await Stack.create();
  const ports = Array.from({ length: 50 }, () => {
    const socket = stack.call.socketCreate();
    assert.equal(stack.call.bind(socket, 0, 0), 0);
    return stack.call.socketLocalPort(socket);
  });
  assert.equal(new Set(ports).size, 50);
  assert.ok(ports.every((port) => port >= 32768 && port <= 65535));
  assert.ok(ports.some((port, i) => i > 0 && port < (ports[i - 1] ?? 0)));
});

test("ephemeral ports: the last free one is found, none is -EADDRINUSE", async () => {
  const stack = await Stack.create();
  for (let i = 0; i < 20; i++) assert.equal(stack.call.choosePort(65535), 65535);
  assert.equal(stack.call.choosePort(65536), -EADDRINUSE);
});

test("a connected socket takes datagrams of its peer only, and before an unconnected one", async () => {
  const stack = await Stack.create();
  const any = stack.call.socketCreate();
  const connected = stack.call.socketCreate();
  for (const socket of [any, connected]) {
    stack.call.socketReuse(socket);
    stack.call.bind(socket, 0, 5000);
  }
  assert.equal(stack.call.connect(connected, ip(PEER_IP), 1000), 0);
  assert.equal(ipText(stack.call.socketLocalAddress(connected)), OUR_IP);
  stack.input(udpFrame(PORTS, Buffer.from("peer")));
  stack.input(udpFrame({ ...PORTS, sourcePort: 1001 }, Buffer.from("other")));
  assert.deepEqual(stack.receive(connected), Buffer.from("peer"));
  assert.deepEqual(stack.receive(any), Buffer.from("other"));
  assert.equal(stack.send(connected, Buffer.from("x")), 1);
  stack.call.connect(connected, 0, 0);
  assert.equal(stack.send(connected, Buffer.from("x")), -EDESTADDRREQ);
  assert.equal(stack.call.socketLocalAddress(connected), 0);
});

test("errors of send", async () => {
  const stack = await Stack.create();
  const socket = stack.call.socketCreate();
  assert.equal(stack.send(socket, Buffer.from("x")), -EDESTADDRREQ);
  assert.equal(stack.send(socket, Buffer.from("x"), PEER_IP, 0), -EINVAL);
  assert.equal(stack.send(socket, Buffer.alloc(65508), PEER_IP, 7), -EMSGSIZE);
  assert.equal(stack.send(socket, Buffer.from("x"), "255.255.255.255", 7), -EACCES);
  assert.equal(stack.send(socket, Buffer.from("x"), "10.0.2.255", 7), -EACCES);
  stack.call.socketBroadcast(socket);
  assert.equal(stack.send(socket, Buffer.from("x"), "10.0.2.255", 7), 1);
  assert.equal(stack.call.udpShutdown(socket, 3), -EINVAL);
  stack.call.udpShutdown(socket, 1);
  assert.equal(stack.send(socket, Buffer.from("x"), PEER_IP, 7), -EPIPE);
  stack.call.interfaceUnconfigure(stack.now);
  assert.equal(stack.call.connect(stack.socket(), ip(PEER_IP), 7), -ENETUNREACH);
});

test("no buffer: -EAGAIN and not writable until the device has one again", async () => {
  const stack = await Stack.create();
  const socket = stack.socket(5000);
  stack.call.setBuffers(0);
  assert.equal(stack.send(socket, Buffer.from("x"), PEER_IP, 7), -EAGAIN);
  assert.equal(stack.call.udpPollEvents(socket), 0);
  stack.call.setBuffers(8);
  stack.call.interfacePoll(stack.now);
  assert.equal(stack.call.udpPollEvents(socket), WRITABLE);
  assert.equal(stack.send(socket, Buffer.from("x"), PEER_IP, 7), 1);
});

test("the receive queue is bounded, drops are counted, memory comes back", async () => {
  const stack = await Stack.create();
  const socket = stack.socket(5000);
  stack.input(udpFrame(PORTS, Buffer.alloc(1200)));
  stack.receive(socket);
  const before = stack.call.freePages();
  stack.call.udpSetReceiveLimit(socket, 20_000);
  for (let i = 0; i < 100; i++) stack.input(udpFrame(PORTS, Buffer.alloc(1200, i)));
  let taken = 0;
  while (typeof stack.receive(socket) !== "number") taken += 1;
  assert.equal(taken, 10); // 10 x 2032 bytes
  assert.equal(stack.call.socketDrops(socket), 90);
  assert.equal(stack.call.freePages(), before);
  for (let i = 0; i < 100; i++) stack.input(udpFrame(PORTS, Buffer.alloc(1200, i)));
  stack.call.udpClose(socket);
  assert.equal(stack.call.freePages(), before);
});

test("a flood leaves memory to the rest of the system", async () => {
  const stack = await Stack.create({ pages: 200 });
  for (let port = 5000; port < 5050; port++) {
    stack.socket(port);
    for (let i = 0; i < 40; i++) stack.input(udpFrame({ ...PORTS, destinationPort: port }, Buffer.alloc(1400)));
  }
  assert.ok(stack.call.freePages() >= 60);
});

test("after a shutdown nothing is received", async () => {
  const stack = await Stack.create();
  const socket = stack.socket(5000);
  stack.call.connect(socket, ip(PEER_IP), 1000);
  assert.equal(stack.call.udpShutdown(socket, 0), 0);
  stack.input(udpFrame(PORTS, Buffer.from("late")));
  assert.deepEqual(stack.receive(socket), Buffer.alloc(0));
  stack.advance(SECOND);
});

test("a datagram, whole or in fragments, has the service field and the time to live that were asked for", async () => {
  const stack = await Stack.create();
  const socket = stack.socket();
  const fields = (size: number): string[] => {
    stack.send(socket, Buffer.alloc(size), PEER_IP, 9);
    return stack.takeIpv4().map((frame) => {
      const { service, timeToLive, headerChecksumRight } = parseIpv4(frame);
      assert.ok(headerChecksumRight);
      return `${service} ${timeToLive}`;
    });
  };
  assert.deepEqual(fields(100), ["0 64"]);
  stack.call.ask(socket, 0xba, 0);
  assert.deepEqual(fields(3000), ["186 64", "186 64", "186 64"]);
  stack.call.ask(socket, 0xb8, 1 + 1);
  assert.deepEqual(fields(100), ["184 1"]);
  assert.deepEqual(fields(3000), ["184 1", "184 1", "184 1"]);
  stack.call.ask(socket, 0, 255 + 1);
  assert.deepEqual(fields(100), ["0 255"]);
  // Another socket's datagrams are not touched.
  stack.send(stack.socket(), Buffer.alloc(1), PEER_IP, 9);
  const [plain] = stack.takeIpv4();
  assert.ok(plain !== undefined);
  assert.deepEqual([parseIpv4(plain).service, parseIpv4(plain).timeToLive], [0, 64]);
});
