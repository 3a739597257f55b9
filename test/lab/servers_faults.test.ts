// httpd's workers under load while processes are destroyed and forkd is killed: only what a destroyed one was serving fails, and at once.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";
import type { Scoreboard } from "../../tools/start/scoreboard.ts";
import { startForkd } from "./forkd_support.ts";
import { bootServer, START_MS, type Server } from "./servers_support.ts";
import { useLab } from "./support.ts";

const limit = { timeout: 6 * START_MS };
const CLIENTS = 4;
const KILLS = 4;
/** Under load in an emulated machine; a client that hears nothing waits for a minute. */
const AT_ONCE_MS = 30_000;

const lab = useLab();

/**
 * The workers that are there, when there are three besides those `gone`, which the scoreboard has until their parent hears of
 * it. Who asks may ask one that is just destroyed.
 */
async function workers(server: Server, gone: ReadonlySet<number> = new Set(), attempts = 3): Promise<number[]> {
  const serving = ({ rows }: Scoreboard): number[] =>
    rows.filter(({ pid, state }) => state !== "starting" && !gone.has(pid)).map(({ pid }) => pid);
  try {
    return serving(await server.until((board) => serving(board).length >= 3, "three workers"));
  } catch (error) {
    if (attempts === 1) throw error;
    return workers(server, gone, attempts - 1);
  }
}

test("workers are destroyed under load: only what they were serving fails, and at once", limit, async () => {
  await using forkd = await startForkd(lab());
  await using server = await bootServer(forkd, "prefork --status --workers 3 --max-workers 4", 3);
  await server.explained(async () => {
    await workers(server);
    const load = server.load(CLIENTS, 150, 2, { pauseMs: 50 });
    load.catch(() => undefined); // it is awaited last
    const destroyed = new Set<number>();
    for (let kill = 0; kill < KILLS; kill++) {
      const pids = await workers(server, destroyed);
      const victim = pids[Math.floor(Math.random() * pids.length)] ?? 0;
      destroyed.add(victim);
      // It may have ended by itself: there are more than are needed.
      await lab().run(`xl destroy ${server.domain(victim)} || ! xl domid ${server.domain(victim)}`);
      await sleep(1000);
    }
    const { answered, errors, slowest } = await load;
    assert.ok(
      errors.every((error) => /ECONNRESET|socket hang up/.test(error)),
      errors.join(", "),
    );
    assert.ok(errors.length <= KILLS * CLIENTS, errors.join(", "));
    assert.equal(answered + errors.length, 300);
    assert.ok(slowest < AT_ONCE_MS, `${slowest} ms`);
    await workers(server);
    assert.deepEqual((await server.load(2, 10, 1)).errors, []);
  });
});

test(
  "forkd is killed under load and comes again: no client sees it, and workers are replaced again",
  limit,
  async () => {
    const first = await startForkd(lab());
    // No worker to spare: one that is destroyed has to be replaced.
    await using server = await bootServer(first, "prefork --status --workers 3 --max-workers 3", 3);
    await server.explained(async () => {
      await workers(server);
      const load = server.load(CLIENTS, 150, 2, { pauseMs: 50 });
      load.catch(() => undefined);
      await sleep(2000);
      await first.end("KILL");
      await sleep(2000);
      await using forkd = await startForkd(lab());
      const { answered, errors } = await load;
      assert.deepEqual([answered, errors], [300, []]);
      const [victim = 0] = await workers(server);
      await lab().run(`xl destroy ${server.domain(victim)}`);
      await server.until(({ rows }) => rows.every(({ pid }) => pid !== victim), "the destroyed worker is gone");
      await workers(server);
      assert.ok(forkd.output.text.includes(`${server.guest.name} forked`), forkd.output.text);
    });
  },
);
