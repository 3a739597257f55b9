// A short soak on real Xen: after thousands of requests and connections httpd's guest has the memory that it had, and a request costs
// what it did. `npm run bench -- soak` does the same with a million.
import assert from "node:assert/strict";
import { test } from "node:test";
import { STATUS_WEB } from "../../tools/bench/contests.ts";
import { bootServer } from "../../tools/bench/servers.ts";
import { drift, SHORT, soak } from "../../tools/bench/soak/soak.ts";

test("a guest serves thousands of requests and connections, and is as it was", { timeout: 1_800_000 }, async () => {
  await using server = await bootServer("karyon", { contest: STATUS_WEB, memory: 16 });
  const { free, app, request, connection } = await soak(server, SHORT);
  assert.ok(free[0] > 1_000_000, `${free[0]} bytes are free`);
  assert.equal(free[1], free[0], "free memory");
  assert.equal(app[1], app[0], "the app's memory");
  // Few rounds, and how requests fall together is not the same twice.
  assert.ok(drift(request).value < 1.05, `instructions a request: ${request.join(", ")}`);
  assert.ok(drift(connection).value < 1.1, `instructions a connection: ${connection.join(", ")}`);
});
