// The resolver over IPv6: servers of the configuration and of routers, and in which order addresses are worth trying.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Host } from "../../tools/fake-xen/host.ts";
import { fakeKernel } from "../support/fake.ts";
import { AAAA, a, record, response, wireName } from "../unit/dns/message.ts";
import { hex, ip6, packetFrame } from "../unit/ipv6/frames.ts";
import { routerAdvertisement, type Prefix } from "../unit/ipv6/host.ts";
import type { Script } from "./dns_server.ts";
import { EAGAIN, runResolving } from "./resolving.ts";
import { ADDRESS, NAME, always, zone } from "./dns_scripts.ts";

const kernel = await fakeKernel();
const SERVER = "fd00::53";

/** What a router of the link says, heard by all. */
function advertise(host: Host, prefixes: readonly Prefix[], options: Uint8Array): void {
  const bytes = packetFrame(routerAdvertisement(prefixes, 1800, options, "fe80::99"));
  host.hub.send({ receive: () => undefined }, { bytes, checksumBlank: false, gsoSize: 0 });
}

/** Options 25 and 31: the server, and one domain, for `seconds`. */
function names(seconds: number, domain: string): Buffer {
  const head = Buffer.from([25, 3, 0, 0, 0, 0, 0, seconds]);
  const list = Buffer.alloc(8 + Math.ceil(wireName(domain).length / 8) * 8);
  list.set([31, list.length / 8, 0, 0, 0, 0, 0, seconds]);
  list.set(wireName(domain), 8);
  return Buffer.concat([head, ip6(SERVER), list]);
}

test("a server of the configuration is asked over IPv6, by datagram and by stream", () => {
  const script: Script = (query) => [
    query.transport === "udp"
      ? response(query, { truncated: true })
      : response(query, { answers: [a(query.name, ADDRESS)] }),
  ];
  const options = `ip6=fd00::2/64 nameserver=${SERVER}`;
  runResolving(kernel, { scripts: [script], servers: [SERVER], options }, function* ({ calls, servers: [server] }) {
    assert.deepEqual(yield* calls.resolve(NAME), [ADDRESS]);
    assert.deepEqual(
      server?.seen.map((query) => query.transport),
      ["udp", "tcp"],
    );
  });
});

test("a router's server and domain are used, as long as it says", () => {
  const script = zone({ "host.lan.example": "192.0.2.7" });
  const options = "ip6=fd00::2/64";
  runResolving(kernel, { scripts: [script], servers: [SERVER], options }, function* ({ calls, host, servers }) {
    assert.equal(yield* calls.resolve("host"), -EAGAIN, "nobody to ask yet");
    advertise(host, [], names(60, "lan.example"));
    yield* calls.sleep(1);
    assert.deepEqual(yield* calls.resolve("host"), ["192.0.2.7"]);
    assert.deepEqual(servers[0]?.names, ["host.lan.example"]);
    yield* calls.sleep(60);
    assert.equal(yield* calls.resolve("host"), -EAGAIN);
  });
});

test("servers of both families are asked, the configured ones of IPv4 first", () => {
  const options = "ip6=fd00::2/64";
  const scripts = [() => [], always("192.0.2.9")];
  runResolving(kernel, { scripts, servers: ["10.0.0.11", SERVER], options }, function* ({ calls, host, servers }) {
    advertise(host, [], names(200, "lan.example"));
    yield* calls.sleep(1);
    assert.deepEqual(yield* calls.resolve(NAME), ["192.0.2.9"]);
    assert.deepEqual(
      servers.map(({ seen }) => seen.length),
      [1, 1],
    );
  });
});

/** Of the guest's subnet. */
const NEAR = "10.0.0.9";

test("addresses come in the order of RFC 6724", () => {
  const all = ["2001:db8::9", "fd00::9", "2002:1::9"];
  const both: Script = (query) => {
    const answers =
      query.type === AAAA
        ? all.map((address) => record({ name: query.name, type: AAAA, data: ip6(address) }))
        : [a(query.name, NEAR)];
    return [response(query, { answers })];
  };
  runResolving(kernel, { scripts: [both] }, function* ({ calls, host }) {
    const found = (): ReturnType<typeof calls.resolve> => calls.resolve(NAME, { family: 0 });
    advertise(host, [{ prefix: "fd00::" }], Buffer.alloc(0));
    yield* calls.sleep(3);
    // Of ours there is only a unique local address: what is not local is less alike than IPv4.
    assert.deepEqual(yield* found(), [NEAR, hex("fd00::9"), hex("2001:db8::9"), hex("2002:1::9")]);
    advertise(host, [{ prefix: "2001:db8::" }], Buffer.alloc(0));
    yield* calls.sleep(3);
    assert.deepEqual(yield* found(), [hex("2001:db8::9"), NEAR, hex("fd00::9"), hex("2002:1::9")]);
  });
});
