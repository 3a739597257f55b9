// Instructions as a measure, in a lab that counts them: what is counted is repeatable, samples agree with it, and name the code.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { bootProbes, instructionsOf } from "../../tools/bench/calls/calls.ts";
import { bootServer, createServer } from "../../tools/bench/servers.ts";
import { request } from "../../tools/bench/http/client.ts";
import { total } from "../../tools/lab/count/count.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const limit = { timeout: 400_000 };
const REQUESTS = 300;
const ONE_CLIENT = { clients: 1, keepAlive: true };
/** So many calls that what Xen does meanwhile, some ten thousand instructions that differ from run to run, is a small part. */
const CALLS = { karyon: [1_000, 201_000], linux: [1_000, 11_000] } as const;

test("two counts of the same requests agree, and samples with them", limit, async () => {
  await using server = await bootServer("karyon");
  const { lab, address } = server;
  const work = (): Promise<void> => request(lab, `http://${address}/`, REQUESTS, ONE_CLIENT, 612);
  await work(); // the first requests take paths that no other takes
  const first = total(await lab.countInstructions(work));
  let second = 0;
  const { every, addresses } = await lab.sampleInstructions(async () => {
    second = total(await lab.countInstructions(work));
  });
  assert.ok(first > REQUESTS * 1000, `${first} instructions`);
  // How requests and the sleeps between them fall together is not the same twice.
  assert.ok(Math.abs(first - second) < first * 0.1, `${first} and ${second} instructions`);
  const sampled = every * [...addresses.values()].reduce((sum, count) => sum + count, 0);
  assert.ok(Math.abs(sampled - second) < second * 0.02, `${sampled} sampled of ${second} instructions`);
});

test("a boot tells when it comes to marked places, and when it does not", limit, async () => {
  await using server = await createServer("karyon");
  const marks = [
    { name: "the guest's first instruction", from: 0n, to: 1n << 47n },
    { name: "where a Linux kernel would be", from: 0xffff_ffff_8000_0000n, to: 0xffff_ffff_c000_0000n },
  ];
  let whole = 0;
  const [first, never] = await server.lab.countTo(marks, async () => {
    whole = total(await server.lab.countInstructions(() => server.begin()));
  });
  assert.ok(first !== undefined && first > 0 && first < whole / 10, `${first} of ${whole}`);
  assert.equal(never, undefined);
});

test("a server that gives another answer is not measured", limit, async () => {
  await using server = await bootServer("karyon");
  const load = { ...ONE_CLIENT, clients: 2 };
  await assert.rejects(request(server.lab, `http://${server.address}/none`, 5, load), {
    code: "BENCH_FAILED",
    message: /Non-2xx responses: 5, not 0/,
  });
  await assert.rejects(request(server.lab, `http://${server.address}/`, 5, load, 613), { code: "BENCH_FAILED" });
});

test("the profiler names functions of app, libOS and kernel", limit, async () => {
  const main = fileURLToPath(new URL("../../tools/bench/main.ts", import.meta.url));
  const options = ["profile", "apps/httpd", "--requests", "60", "--clients", "3", "--top", "400"];
  const { stdout } = await execa("node", ["--import", "tsx", main, ...options], { cwd: ROOT });
  for (const name of [/app:exchange\/\w+/, /libos\/net\/tcp\/output\/output/, /kernel\/time\/clock\/\w+/, /Xen/]) {
    assert.match(stdout, name);
  }
  const shares = [...stdout.matchAll(/ ([\d.]+) % {2}/g)].map((match) => Number(match[1]));
  const all = shares.indexOf(100);
  assert.ok(all > 3, "layers come first, and then their sum");
  const functions = shares.slice(all + 1).reduce((sum, share) => sum + share, 0);
  assert.ok(Math.abs(functions - 100) < 5, `functions come to ${functions} %`);
});

test("a system call takes a small part of Linux's instructions, and a real call is made", limit, async () => {
  const costs = { karyon: 0, linux: 0 };
  for (const side of ["karyon", "linux"] as const) {
    await using probes = await bootProbes(side);
    const { lab, guest } = probes;
    costs[side] = await instructionsOf(lab, guest, { name: "getppid", counts: CALLS[side] });
    await assert.rejects(guest.run("none", 1), { code: "BENCH_FAILED", message: /"none 1" with "failed none"/ });
  }
  assert.ok(costs.karyon > 8, `${costs.karyon} instructions: less than a call and its masking of events`);
  assert.ok(costs.karyon < costs.linux / 20, `${costs.karyon} of ${costs.linux} instructions`);
});
