// The web appliance on real Xen, seen from outside: a client's whole life with it, in all three architectures.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { hostTool } from "../../tools/debian/tools.ts";
import { buildImage } from "../../tools/image/build.ts";
import { parseResponses, type Response } from "../unit/httpd/http_response.ts";
import { get, REFUSED, TOLERATED } from "../unit/httpd/requests.ts";
import { boot, BOOT_TIMEOUT_MS, type Guest, useLab } from "./support.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SITE = join(ROOT, "apps/httpd/static");
const ARCHITECTURES = ["sequential", "threads", "poll"] as const;
const TEST_TIMEOUT_MS = 180_000;
const ANSWER_TIMEOUT_MS = 15_000;
const LARGE_SIZE = 50_000_000;
/** It has its address a moment before it listens. */
const LISTENS = /httpd: \d+ files/;

const lab = useLab();

async function bootHttpd(words: string): Promise<Guest> {
  const guest = await boot(lab(), "apps/httpd", { commandLine: `ip=dhcp stack=64K -- ${words}` });
  await guest.console.waitFor(LISTENS, BOOT_TIMEOUT_MS);
  return guest;
}

/** Sends raw bytes and reads until the server ends the connection, or until `enough` of what has come. */
function exchange(url: string, data: string, enough: (received: Buffer) => boolean = () => false): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket: Socket = connect(Number(new URL(url).port), "127.0.0.1");
    const finish = (error?: Error): void => {
      clearTimeout(timer);
      socket.destroy();
      if (error === undefined) resolve(Buffer.concat(chunks));
      else reject(error);
    };
    const timer = setTimeout(() => {
      finish(
        new Error(`no end of the answer to ${JSON.stringify(data.slice(0, 100))}: ${String(Buffer.concat(chunks))}`),
      );
    }, ANSWER_TIMEOUT_MS);
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      if (enough(Buffer.concat(chunks))) finish();
    });
    socket.on("end", () => finish());
    // A reset after an answer would have lost it.
    socket.on("error", finish);
    socket.write(data, "latin1");
  });
}

/** The first `count` answers to `data`. */
async function answersTo(url: string, data: string, count: number): Promise<Response[]> {
  const complete = (received: Buffer): boolean => {
    try {
      return parseResponses(received).length >= count;
    } catch {
      return false;
    }
  };
  return parseResponses(await exchange(url, data, complete));
}

async function figures(url: string): Promise<Map<string, number>> {
  const text = await (await fetch(`${url}/.status`, { headers: { connection: "close" } })).text();
  return new Map(text.split("\n").map((line) => [line.split(" ")[0] ?? "", Number(line.split(" ")[1])]));
}

async function wrk(url: string, connections: number, seconds: number): Promise<string> {
  const tool = await hostTool("wrk");
  const args = [...tool.args, "-t1", `-c${connections}`, `-d${seconds}`, "--timeout", "20", `${url}/style.css`];
  return (await execa(tool.command, args, { env: tool.env, timeout: TEST_TIMEOUT_MS })).stdout;
}

for (const architecture of ARCHITECTURES) {
  test(
    `${architecture}: the site, pipelining, bad requests, and still alive`,
    { timeout: TEST_TIMEOUT_MS },
    async () => {
      await using guest = await bootHttpd(architecture);
      const url = await guest.url();

      for (const name of await readdir(SITE)) {
        const response = await fetch(`${url}/${name}`);
        assert.equal(response.status, 200);
        assert.ok(Buffer.from(await response.arrayBuffer()).equals(await readFile(join(SITE, name))), name);
      }

      const pipelined = await answersTo(url, get("/style.css").repeat(99) + get("/", "Connection: close\r\n"), 100);
      assert.deepEqual([pipelined.length, new Set(pipelined.map((answer) => answer.status)).size], [100, 1]);

      for (const [name, request, status] of REFUSED) {
        const answers = parseResponses(await exchange(url, request));
        assert.deepEqual(
          answers.map((answer) => answer.status),
          [status],
          name,
        );
      }
      for (const [name, request, status] of TOLERATED) {
        // The names are those of the tests' own site; what is there and what is not does not matter here.
        const answers = await answersTo(url, request + get("/", "Connection: close\r\n"), 2);
        assert.deepEqual([answers[0]?.status, answers[1]?.status], [status, 200], name);
      }
      assert.equal((await fetch(url)).status, 200);
      assert.doesNotMatch(guest.console.text, /crash/);
    },
  );
}

test("curl: headers, ranges, conditions, both versions of the protocol", { timeout: TEST_TIMEOUT_MS }, async () => {
  await using guest = await bootHttpd("poll --log");
  const url = await guest.url();
  const tool = await hostTool("curl");
  const curl = async (...words: string[]): Promise<string> => {
    const args = [...tool.args, "-sS", "--max-time", "20", "-i", ...words];
    return (await execa(tool.command, args, { env: tool.env })).stdout;
  };
  const style = await readFile(join(SITE, "style.css"), "utf8");
  assert.ok((await curl("-r", "0-14", `${url}/style.css`)).endsWith(`\n${style.slice(0, 15)}`));
  assert.match(await curl("-I", `${url}/style.css`), /^HTTP\/1\.1 200 OK/);
  assert.match(await curl("--http1.0", url), /^HTTP\/1\.1 200 OK[^]*\nConnection: close/);
  assert.match(await curl("--path-as-is", `${url}/../secret`), /^HTTP\/1\.1 400 /);
  assert.match(await curl("-d", "a=b", url), /^HTTP\/1\.1 405 [^]*\nAllow: GET, HEAD, OPTIONS/);
  assert.match(await curl(`${url}/nowhere`), /^HTTP\/1\.1 404 [^]*There is nothing here/);
  const tag = /\nETag: (".*")/.exec(await curl("-I", url))?.[1] ?? "";
  assert.match(await curl("-H", `If-None-Match: ${tag}`, url), /^HTTP\/1\.1 304 /);
  await guest.console.waitFor(/"GET \/\.\.\/secret HTTP\/1\.1" 400 \d+/, ANSWER_TIMEOUT_MS);
});

for (const architecture of ["threads", "poll"] as const) {
  test(`${architecture}: wrk with 100 connections`, { timeout: TEST_TIMEOUT_MS }, async () => {
    await using guest = await bootHttpd(`${architecture} --status`);
    const url = await guest.url();
    const report = await wrk(url, 100, 5);
    assert.doesNotMatch(report, /Non-2xx|Socket errors: connect [1-9]/, report);
    const requests = Number(/(\d+) requests in/.exec(report)?.[1]);
    assert.ok(requests >= 200, report);
    assert.ok(((await figures(url)).get("requests") ?? 0) >= requests);
  });
}

test("200 rounds of requests do not cost memory", { timeout: TEST_TIMEOUT_MS }, async () => {
  await using guest = await bootHttpd("poll --status");
  const url = await guest.url();
  const round = async (): Promise<void> => {
    const requests = ["/", "/style.css", "/nowhere", "/karyon.svg"].map((path) => get(path)).join("");
    // One after the other: connections made at the same moment reach the guest up to a second late through QEMU's
    // port forwarding.
    await answersTo(url, requests + get("/", "Connection: close\r\n"), 5);
    await exchange(url, "GET / HTTP/1.1\nHost: a\n\n");
    await (await fetch(url, { headers: { connection: "close" } })).arrayBuffer();
  };
  for (let i = 0; i < 20; i++) await round();
  const before = await figures(url);
  for (let i = 0; i < 200; i++) await round();
  const after = await figures(url);
  assert.equal(after.get("app_memory_bytes"), before.get("app_memory_bytes"));
  const lost = (before.get("memory_free_bytes") ?? 0) - (after.get("memory_free_bytes") ?? 0);
  // Connections in TIME_WAIT are still there; a leak of one page a round would be 800 kB.
  assert.ok(lost <= 256 * 1024, `${lost} bytes of free memory lost`);
  assert.ok((after.get("connections") ?? 0) <= 3);
});

test("50 MB arrive whole, also over a network that loses and reorders", { timeout: 2 * TEST_TIMEOUT_MS }, async () => {
  const { cfg, hash } = await largeImage();
  await using guest = await boot(lab(), cfg);
  await guest.console.waitFor(LISTENS, BOOT_TIMEOUT_MS);
  const url = await guest.url();
  assert.equal(await download(`${url}/large.bin`), hash);

  const part = await fetch(`${url}/large.bin`, { headers: { range: "bytes=1000000-2999999" } });
  assert.equal(part.status, 206);
  assert.equal((await part.arrayBuffer()).byteLength, 2_000_000);

  const device = `vif${(await lab().run(`xl domid ${guest.name}`)).trim()}.0`;
  await lab().run(`tc qdisc add dev ${device} root netem delay 2ms 1ms loss 1% reorder 5% 50%`);
  await lab().run("tc qdisc add dev eth0 root netem delay 2ms 1ms loss 1% reorder 5% 50%");
  try {
    const bytes = await (await fetch(`${url}/large.bin`, { headers: { range: "bytes=0-3999999" } })).arrayBuffer();
    const expected = (await readFile(join(ROOT, "build/test/httpd-large/static/large.bin"))).subarray(0, 4_000_000);
    assert.ok(Buffer.from(bytes).equals(expected));
    for (let i = 0; i < 20; i++) assert.equal((await fetch(`${url}/index.html`)).status, 200);
  } finally {
    await lab().run("tc qdisc del dev eth0 root");
  }
});

/** An appliance like httpd whose site has a file of 50 MB, and the hash of that. */
async function largeImage(): Promise<{ cfg: string; hash: string }> {
  const folder = join(ROOT, "build/test/httpd-large");
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await cp(join(ROOT, "apps/httpd"), folder, { recursive: true });
  const contents = randomBytes(LARGE_SIZE);
  await writeFile(join(folder, "static/large.bin"), contents);
  const manifest = { name: "httpd-large", memory: "80M", network: { address: "dhcp" }, files: "static" };
  await writeFile(join(folder, "karyon.json"), JSON.stringify(manifest));
  const image = await buildImage(folder, { output: join(ROOT, "build/test/httpd-large-image") });
  return { cfg: image.cfg, hash: createHash("sha256").update(contents).digest("hex") };
}

async function download(url: string): Promise<string> {
  const response = await fetch(url);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-length"), String(LARGE_SIZE));
  const hash = createHash("sha256");
  for await (const chunk of response.body ?? []) hash.update(chunk);
  return hash.digest("hex");
}
