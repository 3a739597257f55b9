// kvdb on real Xen: each client has a domain of its own, and the data outlives all of them but the store.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { pushProgram, startForkd, type Forkd } from "./forkd_support.ts";
import { KvdbClient } from "./kvdb_client.ts";
import { boot, useLab, type Guest } from "./support.ts";

const START_MS = 180_000;
const PATIENCE_MS = 60_000;
const limit = { timeout: 6 * START_MS };

const DOMAIN_0 = "10.0.2.15";
const RELAY_PORTS = 7000;
const RELAY = fileURLToPath(new URL("tcp_relay.ts", import.meta.url));
let relays = 0;

const lab = useLab();

/** kvdb, and the port of this host that leads to it. */
interface Server {
  readonly guest: Guest;
  readonly port: number;
}

async function bootKvdb(forkd: Forkd, words: string): Promise<Server> {
  const options = { extra: ['vif = ["bridge=xenbr0"]'], commandLine: `ip=dhcp fork=24 -- ${words}` };
  const guest = await boot(lab(), "apps/kvdb", options);
  await forkd.output.waitFor(new RegExp(`${guest.name}-2 is process`), START_MS);
  using console = lab().console(`${guest.name}-2`);
  await console.waitFor(/the store is ready/, START_MS);
  return { guest, port: await relay(await guest.address()) };
}

/** Clients in domain 0, on behalf of those on this host: a port of this host. */
async function relay(address: string): Promise<number> {
  const inside = ++relays + RELAY_PORTS;
  const program = await pushProgram(lab(), RELAY);
  await lab().run(`(node ${program} ${inside} ${address} 6379 >/tmp/relay${inside} 2>&1 &) </dev/null`);
  await lab().run(`until grep -q relays /tmp/relay${inside}; do usleep 50000; done`, { timeoutMs: PATIENCE_MS });
  return lab().hostForward(0, DOMAIN_0, inside);
}

async function explained<T>(forkd: Forkd, { guest }: Server, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const consoles = await lab().sh(`tail -n 12 /var/log/xen/console/guest-${guest.name}-*.log`);
    const texts = [guest.console.text, consoles.stdout, forkd.output.text].map((text) => text.slice(-4000));
    throw new Error(texts.join("\n---\n"), { cause: error });
  }
}

async function destroyAll({ guest }: Server): Promise<void> {
  await lab().run(`for d in $(xl list | awk '/^${guest.name}/ {print $1}'); do xl destroy $d; done; true`);
}

/** The backend of the client that asks. */
async function backendOf(client: KvdbClient): Promise<number> {
  const id = await client.ask("CLIENT", "ID");
  const lines = String(await client.ask("CLIENT", "LIST")).split("\n");
  const line = lines.find((text) => text.startsWith(`id=${String(id)} `));
  return Number(/ pid=(\d+) /.exec(line ?? "")?.[1]);
}

test("clients share the data; each has a process of its own; streams, pipelines, errors, too many", limit, async () => {
  await using forkd = await startForkd(lab());
  const server = await bootKvdb(forkd, "--max-clients 4");
  await using guest = server.guest;
  await explained(forkd, server, async () => {
    using first = await KvdbClient.connect(server.port);
    assert.equal(await first.ask("SET", "greeting", "hello"), "OK");
    using second = await KvdbClient.connect(server.port);
    assert.equal(await second.ask("GET", "greeting"), "hello");
    using listener = await KvdbClient.connect(server.port);
    assert.equal(await listener.ask("MONITOR"), "OK");
    const backends = await Promise.all([first, second].map(backendOf));
    assert.equal(new Set(backends).size, 2, backends.join(" "));
    for (const pid of backends) assert.match(await lab().run("xl list"), new RegExp(`^${guest.name}-${pid} `, "m"));
    // Pipelined, from two at a time, a large value among them.
    const rounds = 40;
    const large = "x".repeat(60_000);
    await Promise.all(
      [first, second].map(async (client) => {
        for (let i = 0; i < rounds; i++) client.write("INCR counter\r\nPING\r\n");
        for (let i = 0; i < rounds; i++) {
          assert.equal(typeof (await client.answer()), "number");
          assert.equal(await client.answer(), "PONG");
        }
        assert.equal(await client.ask("SET", "large", large), "OK");
        assert.equal(await client.ask("GET", "large"), large);
      }),
    );
    assert.equal(await first.ask("GET", "counter"), String(2 * rounds));
    assert.equal(await first.ask("SET", "short", "1", "PX", "200"), "OK");
    await sleep(1000);
    assert.equal(await first.ask("GET", "short"), null);
    // What the listener has heard: every command that reached the store, in order.
    let heard = "";
    for (let i = 0; i < 2 * rounds;) {
      heard = String(await listener.answer());
      if (heard.endsWith('"INCR" "counter"')) i++;
    }
    assert.match(heard, /^\d+\.\d{6} \[0 10\.0\.2\.\d+:\d+\] "INCR" "counter"$/);
    second.write("*1\r\nPING\r\n");
    assert.equal(await second.answer(), "-ERR Protocol error: expected '$', got 'P'");
    await second.ended();
    using third = await KvdbClient.connect(server.port);
    assert.equal(await third.ask("DBSIZE"), 3);
    using fourth = await KvdbClient.connect(server.port);
    assert.equal(await fourth.ask("EXISTS", "greeting"), 1);
    using fifth = await KvdbClient.connect(server.port);
    assert.equal(await fifth.answer(), "-ERR max number of clients reached");
    assert.equal(await fourth.ask("QUIT"), "OK");
    await fourth.ended();
  });
  await destroyAll(server);
});

test(
  "a backend that is destroyed takes its client along and nobody else; a store that is, the data",
  limit,
  async () => {
    await using forkd = await startForkd(lab());
    const server = await bootKvdb(forkd, "--max-clients 3");
    await using guest = server.guest;
    await explained(forkd, server, async () => {
      using staying = await KvdbClient.connect(server.port);
      assert.equal(await staying.ask("SET", "kept", "yes"), "OK");
      for (let round = 0; round < 3; round++) {
        using victim = await KvdbClient.connect(server.port);
        const pid = await backendOf(victim);
        victim.write("*3\r\n$3\r\nSET\r\n$4\r\nhalf\r\n$60000\r\nxx"); // it goes in the midst of something
        await lab().run(`xl destroy ${guest.name}-${pid}`);
        await victim.ended();
        await guest.console.waitFor(new RegExp(`backend ${pid} was ended by signal 9`), PATIENCE_MS);
        assert.equal(await staying.ask("GET", "kept"), "yes");
      }
      using next = await KvdbClient.connect(server.port);
      assert.equal(await next.ask("GET", "kept"), "yes");
      assert.equal(await next.ask("EXISTS", "half"), 0);
      await lab().run(`xl destroy ${guest.name}-2`);
      await Promise.all([staying.ended(), next.ended()]);
      await guest.console.waitFor(/the store was ended by signal 9: its data is gone/, PATIENCE_MS);
      using after = await KvdbClient.connect(server.port);
      assert.equal(await after.ask("GET", "kept"), null);
      assert.equal(await after.ask("SET", "kept", "again"), "OK");
      await forkd.signal(guest.name, "TERM");
      await after.ended();
      await guest.gone();
    });
    await destroyAll(server);
  },
);
