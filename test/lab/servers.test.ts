// httpd in its architectures that fork, on real Xen: workers share the load, are replaced, restarted and recycled.
import assert from "node:assert/strict";
import { test } from "node:test";
import { mostChildren, startForkd } from "./forkd_support.ts";
import { bootServer, CONNECTION_MS, PATIENCE_MS, START_MS } from "./servers_support.ts";
import { useLab } from "./support.ts";

const limit = { timeout: 6 * START_MS };
const CONNECTIONS = Number(process.env["KARYON_FORK_CONNECTIONS"] ?? 16);
const AT_ONCE = Number(process.env["KARYON_FORK_AT_ONCE"] ?? 4);
const STREAM_SECONDS = Number(process.env["KARYON_STREAM_SECONDS"] ?? 45);
const STREAM_INTERVAL_MS = 500;
const forkLimit = { timeout: limit.timeout + CONNECTIONS * CONNECTION_MS };

const streamLimit = { timeout: limit.timeout + STREAM_SECONDS * 1000 };

const lab = useLab();

test("prefork: workers share the load; one that is destroyed is replaced", limit, async () => {
  await using forkd = await startForkd(lab());
  await using server = await bootServer(forkd, "prefork --status --workers 3 --max-spare 3 --max-workers 3", 3);
  await server.explained(async () => {
    await server.until(({ rows }) => rows.filter(({ state }) => state !== "starting").length === 3, "three workers");
    const { answered, errors } = await server.load(4, 40, 2);
    assert.deepEqual([answered, errors], [80, []]);
    const { rows } = await server.until(({ requests }) => requests >= 80, "the scoreboard counts every request");
    assert.ok(!rows.some(({ pid }) => pid === 1), "process 1 serves nobody");
    assert.ok(
      rows.every(({ requests, connections }) => requests >= connections && connections > 0),
      JSON.stringify(rows),
    );
    const [victim] = rows;
    await lab().run(`xl destroy ${server.domain(victim?.pid ?? 0)}`);
    const others = rows.slice(1).map(({ pid }) => pid);
    const after = await server.until(
      ({ rows: now }) =>
        now.filter(({ state }) => state !== "starting").length === 3 && now.every(({ pid }) => pid !== victim?.pid),
      "the destroyed worker is replaced",
    );
    const pids = after.rows.map(({ pid }) => pid);
    assert.ok(
      others.every((pid) => pids.includes(pid)),
      pids.join(" "),
    );
    await server.guest.console.waitFor(new RegExp(`worker ${victim?.pid} was ended by signal 9`), PATIENCE_MS);
    assert.deepEqual((await server.load(2, 10, 1)).errors, []);
  });
});

test("prefork: SIGHUP replaces all workers under load; SIGTERM ends the family", limit, async () => {
  await using forkd = await startForkd(lab());
  await using server = await bootServer(forkd, "prefork --status --workers 3 --max-workers 3", 3);
  await server.explained(async () => {
    const before = await server.until(({ rows }) => rows.every(({ state }) => state !== "starting"), "three workers");
    const load = server.load(3, 60, 4, { pauseMs: 50 });
    await server.signal(1, "HUP");
    const { rows } = await server.until(
      (board) => board.generation === 2 && board.rows.length === 3 && board.rows.every((row) => row.generation === 2),
      "three workers of the second generation, and no others",
    );
    assert.ok(!before.rows.some(({ pid }) => rows.some((row) => row.pid === pid)));
    const { answered, errors } = await load;
    assert.deepEqual([answered, errors], [240, []]);
    await server.signal(1, "SIGTERM");
    await server.guest.gone();
    await lab().run(`while xl list | grep -q '${server.guest.name}'; do sleep 1; done`, { timeoutMs: PATIENCE_MS });
  });
});

test("prefork: a stream lives on through a restart, and keeps nobody else waiting", streamLimit, async () => {
  await using forkd = await startForkd(lab());
  await using server = await bootServer(forkd, "prefork --status --workers 2 --max-workers 3", 2);
  await server.explained(async () => {
    await server.until(({ rows }) => rows.filter(({ state }) => state !== "starting").length === 2, "two workers");
    const streamed = server.stream(STREAM_SECONDS, STREAM_INTERVAL_MS);
    streamed.catch(() => undefined); // it is awaited last
    const { rows } = await server.until((board) => board.rows.some(({ state }) => state === "streaming"), "a stream");
    const owner = rows.find(({ state }) => state === "streaming")?.pid ?? 0;
    const { answered, errors } = await server.load(2, 10, 1);
    assert.deepEqual([answered, errors], [10, []]);
    await server.signal(1, "USR1");
    await server.until(
      (board) => board.rows.every((row) => row.generation === 2 || row.pid === owner) && board.rows.length >= 3,
      "a second generation, and of the first only who streams",
    );
    const text = await streamed;
    assert.equal(
      text.match(new RegExp(`^data: process ${owner}$`, "gm"))?.length,
      (STREAM_SECONDS * 1000) / STREAM_INTERVAL_MS,
    );
    await server.until((board) => !board.rows.some(({ pid }) => pid === owner), "who has streamed ends");
  });
});

test(`fork: ${CONNECTIONS} connections in turns of ${AT_ONCE}, a process for each`, forkLimit, async () => {
  await using forkd = await startForkd(lab());
  const words = `fork --status --max-workers ${AT_ONCE} --idle-timeout 3600`;
  await using server = await bootServer(forkd, words, 0, AT_ONCE + 4);
  await server.explained(async () => {
    const manner = { together: true, patienceMs: START_MS + AT_ONCE * CONNECTION_MS };
    const { answered, errors, sums } = await server.load(AT_ONCE, CONNECTIONS, 3, manner);
    assert.deepEqual([answered, errors, sums.length], [3 * CONNECTIONS, [], 1]);
    const board = await server.scoreboard();
    assert.equal(board.connections, CONNECTIONS + 1);
    assert.equal(board.requests, 3 * CONNECTIONS + 1);
    const most = mostChildren(server.forkd.output.text);
    assert.ok(most >= Math.min(AT_ONCE, CONNECTIONS), `${most} children at once`);
    const processes = (server.forkd.output.text.match(/is process \d+ \(/g) ?? []).length;
    assert.ok(processes > CONNECTIONS, `${processes} processes`);
    await server.signal(1, "TERM");
    await server.guest.gone();
  });
});

test("prefork: workers are replaced after --max-requests, and no client sees it", limit, async () => {
  await using forkd = await startForkd(lab());
  const words = "prefork --status --workers 3 --max-workers 4 --max-requests 10";
  await using server = await bootServer(forkd, words, 3);
  await server.explained(async () => {
    const before = await server.until(({ rows }) => rows.every(({ state }) => state !== "starting"), "three workers");
    const { answered, errors } = await server.load(3, 60, 2, { pauseMs: 100 });
    assert.deepEqual([answered, errors], [120, []]);
    const after = await server.until(
      ({ rows }) => rows.filter(({ state }) => state === "idle" || state === "serving").length >= 3,
      "three workers again",
    );
    const first = Math.max(...before.rows.map(({ pid }) => pid));
    const last = Math.max(...after.rows.map(({ pid }) => pid));
    assert.ok(last - first >= 6, `${last - first} workers after 120 requests`);
    assert.doesNotMatch(server.guest.console.text, /was ended|ended with/);
  });
});
