// Sockets by WASI: a server in C, and a client in JavaScript in another domain.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { App } from "../../../tools/fake-xen/coroutines.ts";
import { fakeKernel } from "../../support/fake.ts";
import { BUFFER, Calls } from "../calls.ts";
import { boot, finish, suspendableProgram } from "./runner.ts";

const SERVER = "10.0.0.2";
const CLIENTS = 3;
const SHUT_WR = 1;

const kernel = await fakeKernel();

test("a TCP server that sends back what it gets, and what bad arguments are told", async () => {
  const { host, guest } = boot(kernel, await suspendableProgram("echo.c"), {
    commandLine: `ip=${SERVER}/24 -- ${CLIENTS}`,
    network: { mac: "00:16:3e:00:00:02" },
  });
  guest.awaitConsole("ready");
  const texts = Array.from({ length: CLIENTS }, (_, i) => Buffer.alloc(5000 * i + 3, `client ${i} `));
  const answers: Buffer[] = [];
  const client = host.create({
    commandLine: "ip=10.0.0.3/24",
    network: { mac: "00:16:3e:00:00:03" },
    app: function* (domain): App {
      const calls = new Calls(domain);
      for (const text of texts) {
        const fd = yield* calls.socket("tcp");
        const error = yield* calls.connect(fd, SERVER, 7);
        if (error !== 0) return -error;
        calls.put(BUFFER, text);
        yield* calls.call("posix_write", fd, BUFFER, text.length);
        yield* calls.call("posix_shutdown", fd, SHUT_WR);
        const parts: Buffer[] = [];
        for (;;) {
          const length = yield* calls.call("posix_read", fd, BUFFER, 65536);
          if (length <= 0) break;
          parts.push(calls.get(BUFFER, length));
        }
        answers.push(Buffer.concat(parts));
        yield* calls.call("posix_close", fd);
      }
      return 0;
    },
  });
  const { output, status } = finish(host, guest);
  assert.match(output, /\n0 failures\n/);
  for (const { length } of texts) assert.match(output, new RegExp(`^10\\.0\\.0\\.3: ${length} bytes$`, "m"));
  assert.equal(status, 0);
  host.world.runUntil(() => client.domain.shutdown !== undefined, 600e9);
  assert.match(client.console, /exit status 0/);
  assert.deepEqual(answers, texts);
});
