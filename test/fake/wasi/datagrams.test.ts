// Datagrams, options of sockets and names by WASI: datagrams.c checks what it is told itself; a DNS server and a client are in domains of their own.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { App } from "../../../tools/fake-xen/coroutines.ts";
import { NXDOMAIN, a, response } from "../../unit/dns/message.ts";
import { fakeKernel } from "../../support/fake.ts";
import { BUFFER, Calls } from "../calls.ts";
import { ADDRESS, NAME } from "../dns_scripts.ts";
import { DnsServer, type Script } from "../dns_server.ts";
import { boot, finish, suspendableProgram } from "./runner.ts";

const SERVER = "10.0.0.2";
const PORT = 7;
/** The second one is more than the program has room for. */
const TEXTS = ["hello, datagram", "x".repeat(100), ""];

const kernel = await fakeKernel();

const script: Script = (query) =>
  query.name.toLowerCase() === NAME
    ? [response(query, { answers: [a(query.name, ADDRESS, 300)] })]
    : [response(query, { code: NXDOMAIN })];

test("datagrams to and fro with their addresses, options, and names", async () => {
  const { host, guest } = boot(kernel, await suspendableProgram("datagrams.c"), {
    commandLine: `ip=${SERVER}/24,dns=10.0.0.11`,
    network: { mac: "00:16:3e:00:00:02" },
  });
  const server = new DnsServer(host, "10.0.0.11", script);
  guest.awaitConsole("ready", 600e9);
  assert.deepEqual([...new Set(server.names)], [NAME, "no.such.name"]);
  const answers: string[] = [];
  const client = host.create({
    commandLine: "ip=10.0.0.3/24",
    network: { mac: "00:16:3e:00:00:03" },
    app: function* (domain): App {
      const calls = new Calls(domain);
      const fd = yield* calls.socket("udp");
      yield* calls.bind(fd, 4321);
      const error = yield* calls.connect(fd, SERVER, PORT);
      if (error !== 0) return -error;
      for (const text of TEXTS) {
        calls.put(BUFFER, Buffer.from(text));
        yield* calls.call("posix_sendto", fd, BUFFER, text.length, 0, 0);
        if (text === "") break;
        const length = yield* calls.call("posix_read", fd, BUFFER, 1000);
        answers.push(calls.get(BUFFER, length).toString());
      }
      yield* calls.sleep(1); // a datagram goes out later than the call returns
      return 0;
    },
  });
  const { output, status } = finish(host, guest);
  assert.match(output, /\n0 failures\n/);
  assert.match(output, /^15 bytes from 10\.0\.0\.3, family 1, port 4321$/m);
  assert.match(output, /^68 bytes from 10\.0\.0\.3, family 1, port 4321, cut$/m);
  assert.equal(status, 0);
  assert.deepEqual(answers, ["HELLO, DATAGRAM", "X".repeat(68)]);
  host.world.runUntil(() => client.domain.shutdown !== undefined, 600e9);
  assert.match(client.console, /exit status 0/);
});
