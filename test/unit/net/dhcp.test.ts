// DHCP: how a client comes to an address, and what it takes from the messages.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BOUND, REQUESTING, SELECTING, address, start } from "./dhcp_client.ts";
import { ACK, DISCOVER, NAK, OFFER, REQUEST, parseDhcp, reply } from "./dhcp_server.ts";
import { ip, ipText, u16, u32, udpFrame } from "./frames.ts";
import { SECOND } from "./stack.ts";

test("four messages, no waiting, and the interface is configured", async () => {
  const { stack, server } = await start();
  server.serve();
  assert.deepEqual(
    server.seen.map((message) => message.type),
    [DISCOVER, REQUEST],
  );
  assert.equal(address(stack), "10.0.2.15");
  assert.equal(ipText(stack.call.interfaceGateway()), "10.0.2.2");
  assert.equal(ipText(stack.call.interfaceMask()), "255.255.255.0");
  assert.deepEqual([ipText(stack.call.leaseField(8)), ipText(stack.call.leaseField(9))], ["10.0.2.3", "10.0.2.4"]);
  assert.deepEqual(stack.addressChanges, [true]);
});

test("the messages carry what RFC 2131 table 5 asks for", async () => {
  const { stack, server } = await start();
  server.serve();
  const [discover, request] = server.seen;
  assert.ok(discover && request);
  for (const message of [discover, request]) {
    assert.equal(message.linkDestination, "ff:ff:ff:ff:ff:ff");
    assert.deepEqual([message.source, message.destination], ["0.0.0.0", "255.255.255.255"]);
    assert.equal(message.hardware, "00163e000001");
    assert.deepEqual(message.options.get(61), Buffer.from("0100163e000001", "hex"));
    assert.deepEqual([...(message.options.get(55) ?? [])], [1, 121, 3, 6, 15, 26, 119]);
    assert.equal(message.broadcast, false);
  }
  assert.equal(discover.options.has(50), false);
  assert.equal(discover.options.has(54), false);
  assert.deepEqual(request.options.get(50), u32(ip("10.0.2.15")));
  assert.deepEqual(request.options.get(54), u32(ip("10.0.2.2")));
  assert.equal(discover.transaction, request.transaction);
  assert.equal(stack.call.usedBuffers(), 0);
});

test("lost messages are repeated with doubling, randomised intervals; after two the reply may be broadcast", async () => {
  const { stack, server } = await start();
  server.silent = true;
  const times: number[] = [];
  const flags: boolean[] = [];
  for (let i = 0; i < 8; i++) {
    const message = stack.take().map((frame) => parseDhcp(frame))[0];
    assert.ok(message);
    times.push(Number(stack.now) / 1e9);
    flags.push(message.broadcast);
    const deadline = stack.call.interfaceDeadline();
    stack.advance(deadline - stack.now);
  }
  const gaps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
  for (const [i, expected] of [1, 2, 4, 8, 16, 32, 64].entries()) {
    const gap = gaps[i] ?? 0;
    assert.ok(gap >= expected * 0.75 - 0.001 && gap <= expected * 1.25 + 0.001, `gap ${i}: ${gap}`);
  }
  assert.deepEqual(flags, [false, false, true, true, true, true, true, true]);
});

test("it gets there whatever is lost", async () => {
  for (let lose = 1; lose <= 5; lose++) {
    const { stack, server } = await start(lose);
    server.lose = lose;
    server.run(60n * SECOND);
    assert.equal(address(stack), "10.0.2.15", `${lose} lost`);
  }
});

test("a server that offers and then falls silent is given up for a new DISCOVER", async () => {
  const { stack } = await start();
  const [discover] = stack.take().flatMap((frame) => parseDhcp(frame) ?? []);
  assert.ok(discover);
  stack.input(reply(discover, { type: OFFER, address: "10.0.2.15", options: [[51, u32(3600)]] }));
  assert.equal(stack.call.dhcpState(), REQUESTING);
  stack.advance(30n * SECOND);
  const types = stack.take().flatMap((frame) => parseDhcp(frame)?.type ?? []);
  assert.deepEqual(types.slice(0, 5), [REQUEST, REQUEST, REQUEST, REQUEST, DISCOVER]);
});

test("replies for others, of other transactions, from other servers or without a usable lease are ignored", async () => {
  const { stack } = await start();
  const [discover] = stack.take().flatMap((frame) => parseDhcp(frame) ?? []);
  assert.ok(discover);
  const good = { type: OFFER, address: "10.0.2.15", options: [[51, u32(3600)]] as const };
  const wrong = [
    reply(discover, { ...good, transaction: (discover.transaction ^ 1) >>> 0 }),
    reply(discover, { ...good, hardware: "00163e000002" }),
    reply(discover, { ...good, type: ACK }),
    reply(discover, { ...good, type: NAK }),
    reply(discover, { ...good, address: "127.0.0.1" }),
    reply(discover, { ...good, address: "224.0.0.1" }),
    reply(discover, { ...good, address: "0.0.0.0" }),
    reply(discover, { ...good, options: [] }),
    reply(discover, { ...good, options: [[51, u32(0)]] }),
    reply(discover, { ...good, options: [[51, u16(60)]] }),
    reply(discover, {
      ...good,
      options: [
        [51, u32(3600)],
        [1, u32(ip("255.0.255.0"))],
      ],
    }),
    reply(discover, {
      ...good,
      address: "10.0.2.255",
      options: [
        [51, u32(3600)],
        [1, u32(ip("255.255.255.0"))],
      ],
    }),
  ];
  for (const frame of wrong) stack.input(frame);
  assert.equal(stack.call.dhcpState(), SELECTING);
  stack.input(reply(discover, good));
  assert.equal(stack.call.dhcpState(), REQUESTING);
  const [request] = stack.take().flatMap((frame) => parseDhcp(frame) ?? []);
  assert.ok(request);
  stack.input(reply(request, { ...good, type: ACK, server: "10.0.2.9" }));
  stack.input(reply(request, { ...good, type: ACK, address: "10.0.2.16" }));
  stack.input(reply(request, { type: NAK, server: "10.0.2.9" }));
  assert.equal(stack.call.dhcpState(), REQUESTING);
  stack.input(reply(request, { ...good, type: ACK }));
  assert.equal(stack.call.dhcpState(), BOUND);
  assert.equal(ipText(stack.call.interfaceMask()), "255.0.0.0", "no mask: the address's class");
});

test("an option that runs past the end of its message is none, whatever an earlier message left behind", async () => {
  const { stack } = await start();
  const [discover] = stack.take().flatMap((frame) => parseDhcp(frame) ?? []);
  assert.ok(discover);
  const offer = { type: OFFER, address: "10.0.2.15" };
  const transaction = (discover.transaction ^ 1) >>> 0;
  stack.input(reply(discover, { ...offer, transaction, options: [[51, u32(3600)]] }));
  // The same message, cut after the length byte of its last option (the end option goes with it).
  const whole = reply(discover, { ...offer, options: [[51, u32(3600)]] });
  const message = whole.subarray(42, whole.length - 5);
  stack.input(udpFrame({ sourcePort: 67, destinationPort: 68 }, message));
  assert.equal(stack.call.dhcpState(), SELECTING);
  stack.input(udpFrame({ sourcePort: 67, destinationPort: 68 }, whole.subarray(42)));
  assert.equal(stack.call.dhcpState(), REQUESTING);
});

test("options in the file field, padding, an MTU and an odd gateway are understood", async () => {
  const { stack, server } = await start();
  server.overload = true;
  server.extra = [[26, u16(1400)]];
  server.serve();
  assert.equal(stack.call.interfaceMtu(), 1400);
  assert.equal(ipText(stack.call.interfaceGateway()), "10.0.2.2");
});

test("an MTU below 552 or above the device's is not taken", async () => {
  for (const mtu of [0, 68, 551, 9000]) {
    const { stack, server } = await start();
    server.extra = [[26, u16(mtu)]];
    server.serve();
    assert.equal(stack.call.interfaceMtu(), 1500);
  }
});

test("domains: the search list, in however many parts it comes, before the one domain", async () => {
  const { stack, server } = await start();
  const list = Buffer.from("\x03lab\x07example\0\x03sub\xc0\x00", "latin1");
  server.extra = [
    [15, Buffer.from("one.example")],
    [119, list.subarray(0, 6)],
    [119, list.subarray(6)],
  ];
  server.serve();
  assert.deepEqual(stack.domainSearch(), { bytes: list, isList: true });
});

test("domains: the one domain, and none any more when the next lease has none", async () => {
  const { stack, server } = await start();
  server.extra = [[15, Buffer.from("one.example")]];
  server.serve();
  assert.deepEqual(stack.domainSearch(), { bytes: Buffer.from("one.example"), isList: false });
  server.extra = [];
  stack.call.dhcpReboot(stack.now);
  server.serve();
  assert.deepEqual(stack.domainSearch(), { bytes: Buffer.alloc(0), isList: false });
});

test("routes: the default route of the classless routes is the gateway, whatever the router option says", async () => {
  const route = (prefix: number, destination: number[], router: string): Buffer =>
    Buffer.concat([Buffer.from([prefix, ...destination]), u32(ip(router))]);
  const subnets = [
    route(24, [192, 0, 2], "10.0.2.7"),
    route(9, [10, 128], "10.0.2.7"),
    route(32, [1, 2, 3, 4], "10.0.2.7"),
  ];
  const byDefault = route(0, [], "10.0.2.9");
  for (const [routes, gateway] of [
    [[byDefault], "10.0.2.9"],
    [[...subnets, byDefault], "10.0.2.9"],
    [[byDefault, ...subnets], "10.0.2.9"],
    [subnets, "0.0.0.0"],
    // What is malformed is not there.
    [[byDefault, Buffer.from([33, 1, 2, 3, 4, 5, 6, 7, 8, 9])], "10.0.2.2"],
    [[byDefault, Buffer.from([24, 192, 0, 2, 10, 0, 2])], "10.0.2.2"],
    [[byDefault, Buffer.from([0])], "10.0.2.2"],
  ] as const) {
    const { stack, server } = await start();
    server.extra = [[121, Buffer.concat([...routes])]];
    server.serve();
    assert.equal(ipText(stack.call.interfaceGateway()), gateway);
  }
});

test("classless routes: the longest prefix that covers a destination says where its packets go", async () => {
  const { stack, server } = await start();
  const route = (prefix: number, destination: string, router: string): Buffer => {
    const octets = u32(ip(destination)).subarray(0, Math.ceil(prefix / 8));
    return Buffer.concat([Buffer.from([prefix]), octets, u32(ip(router))]);
  };
  const list = Buffer.concat([
    route(0, "0.0.0.0", "10.0.2.9"),
    route(8, "172.0.0.0", "10.0.2.8"),
    route(12, "172.16.0.0", "10.0.2.7"),
    route(12, "172.16.0.0", "10.0.2.66"), // the first of a prefix stays
    route(20, "172.31.255.255", "10.0.2.6"), // bits behind the prefix mean nothing
    route(32, "172.31.255.1", "10.0.2.5"),
    route(24, "198.51.100.0", "0.0.0.0"), // on the link
    route(25, "10.0.2.128", "10.0.2.4"), // within the own subnet
    route(24, "10.0.2.0", "10.0.2.3"), // no longer than the own subnet
    route(16, "203.0.0.0", "224.0.0.1"), // no host
  ]);
  // A long option comes in parts (RFC 3396).
  server.extra = [
    [121, list.subarray(0, 17)],
    [121, list.subarray(17)],
  ];
  server.serve();
  const socket = stack.socket();
  const hop = (destination: string): string => {
    stack.take();
    stack.send(socket, Buffer.alloc(1), destination, 9);
    return stack
      .takeArp()
      .map(({ targetIp }) => targetIp)
      .join();
  };
  const expected = {
    "172.31.255.1": "10.0.2.5",
    "172.31.255.2": "10.0.2.6",
    "172.31.239.1": "10.0.2.7",
    "172.15.0.1": "10.0.2.8",
    "198.51.100.77": "198.51.100.77",
    "198.51.101.77": "10.0.2.9",
    "10.0.2.200": "10.0.2.4",
    "10.0.2.100": "10.0.2.100",
    "203.0.1.1": "10.0.2.9",
  };
  for (const [destination, router] of Object.entries(expected)) {
    assert.equal(hop(destination), router, destination);
    stack.advance(5n * SECOND); // so that its question is asked anew
  }
  // The next lease's routes take their place, and none outlives the address.
  server.extra = [[121, route(0, "0.0.0.0", "10.0.2.99")]];
  stack.call.dhcpReboot(stack.now);
  server.serve();
  assert.equal(hop("172.31.255.1"), "10.0.2.99");
});

test("classless routes: no more than the table holds, and a flood of them does no harm", async () => {
  const { stack, server } = await start();
  const route = (last: number): Buffer => Buffer.from([32, 192, 0, 2, last, 10, 0, 2, 50 + last]);
  server.extra = [[121, Buffer.concat(Array.from({ length: 28 }, (_, index) => route(index)))]];
  server.serve();
  const socket = stack.socket();
  const hops = Array.from({ length: 28 }, (_, index) => {
    stack.take();
    stack.send(socket, Buffer.alloc(1), `192.0.2.${index}`, 9);
    return stack
      .takeArp()
      .map(({ targetIp }) => targetIp)
      .join();
  });
  assert.deepEqual(
    hops.slice(0, 16),
    Array.from({ length: 16 }, (_, index) => `10.0.2.${50 + index}`),
  );
  assert.deepEqual(new Set(hops.slice(16)), new Set([""])); // and there is no default route
});
