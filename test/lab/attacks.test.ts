// Attacks on the web appliance on real Xen, made from dom0 at the rate that it can: legitimate clients go on being served, and
// afterwards the guest has the memory that it had. tools/peers/attacks makes them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { staticProgram } from "../../tools/peers/static_program.ts";
import { boot, BOOT_TIMEOUT_MS, type Guest, useLab } from "./support.ts";

const TIMEOUT_MS = 600_000;
const GUEST = "10.0.2.50";
/** In dom0, which forwards nothing: what is sent to addresses that nobody has ends there. */
const GATEWAY = "10.0.2.66";
const PROGRAM = "/root/attacks";
/** What the server lets a client do nothing for: 30 s for its answer, 10 s for its request. */
const PATIENCE_SECONDS = 36;
/**
 * What the kernel keeps for the next time: granted blocks, up to a 32nd of the guest's 16 MiB (libos/net/netfront/blocks.ts), and some
 * pages. A page lost for each of hundreds of connections, or a few bytes for each of thousands of segments, is more.
 */
const SLACK_BYTES = 512 * 1024 + 64 * 1024;

const lab = useLab();
let prepared: Promise<Guest> | undefined;

/** The server, the same for all tests, and the attacker in dom0. */
function target(): Promise<Guest> {
  prepared ??= prepare();
  return prepared;
}

async function prepare(): Promise<Guest> {
  await lab().copyIn(await staticProgram("attacks"), PROGRAM, 0o755);
  await lab().run(`ip address add ${GATEWAY}/24 dev xenbr0; echo 0 > /proc/sys/net/ipv4/ip_forward`);
  const commandLine = `ip=${GUEST}/24,gateway=${GATEWAY} ip6=off stack=64K -- poll --status --idle-timeout 600`;
  const guest = await boot(lab(), "apps/httpd", { commandLine });
  await guest.console.waitFor(/httpd: \d+ files/, BOOT_TIMEOUT_MS);
  await requests(20); // what is allocated once is there
  return guest;
}

/** A command of dom0: a client that asks for a page and writes the answer. */
function ask(path: string): string {
  return `printf 'GET ${path} HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n' | busybox nc -w 15 ${GUEST} 80`;
}

async function figures(): Promise<Figures> {
  const lines = (await lab().run(ask("/.status"))).split("\n").map((line) => line.split(" "));
  const values = new Map(lines.map(([name = "", value]) => [name, Number(value)]));
  return (name) => {
    const value = values.get(name);
    assert.ok(value !== undefined, name);
    return value;
  };
}

const REQUEST = `${ask("/")} | grep -q '^HTTP/1.1 200 ' || echo failed`;

/** Requests of a client in dom0, one after the other; all must be answered. */
async function requests(count: number): Promise<void> {
  assert.equal(await lab().run(`for i in $(seq ${count}); do ${REQUEST}; done`), "");
}

/** The same for as long as an attack runs; returns what that said. At least one request is made. */
async function requestsDuring(attack: string): Promise<string> {
  const loop = `while :; do ${REQUEST}; echo request; kill -0 $attack 2>/dev/null || break; done`;
  const said = await lab().run(
    `${PROGRAM} ${attack} >/tmp/attack & attack=$!; ${loop}; wait $attack && cat /tmp/attack`,
    {
      timeoutMs: TIMEOUT_MS,
    },
  );
  assert.match(said, /request/);
  assert.doesNotMatch(said, /failed/);
  return said.replaceAll("request\n", "");
}

/** Opens connections that occupy the server for so many seconds; resolves when all stand. */
async function hold(kind: string, connections: number, seconds: number): Promise<void> {
  const attack = `${PROGRAM} ${kind} ${GUEST} 80 ${connections} ${seconds} </dev/null >/tmp/${kind} 2>&1 &`;
  await lab().run(`${attack} until grep -q ready /tmp/${kind}; do sleep 1; done`, { timeoutMs: TIMEOUT_MS });
}

type Figures = (name: string) => number;

/** What the guest has free, and what its app holds: all but the kernel's own. The app keeps what it has had, for the next time. */
function kernelMemory(figure: Figures): number {
  return figure("memory_free_bytes") + figure("app_memory_bytes");
}

/** Waits, for a time, until the kernel holds no more memory than it did. */
async function recovers(before: number, name: string): Promise<void> {
  let free = 0;
  for (let i = 0; i < 10; i++) {
    free = kernelMemory(await figures());
    if (before - free <= SLACK_BYTES) return;
    await lab().run("sleep 1");
  }
  assert.fail(`${name}: ${before - free} bytes of memory lost`);
}

test("a flood of SYNs from forged addresses", { timeout: TIMEOUT_MS }, async () => {
  await target();
  const before = kernelMemory(await figures());
  const said = await requestsDuring(`syn ${GUEST} 80 3000`);
  assert.equal(said, "3000");
  const after = await figures();
  assert.ok(after("syn_cookies_sent") > 1000, `${after("syn_cookies_sent")} cookies sent`);
  assert.ok(after("syn_cookies_received") > 0, "no request came by a cookie");
  await recovers(before, "flood");
});

for (const kind of ["ack", "rst"]) {
  test(`a storm of forged ${kind.toUpperCase()}s at a live connection`, { timeout: TIMEOUT_MS }, async () => {
    await target();
    const before = await figures();
    // The victim asks for two pages over one connection, one before the storm and one after it.
    const port = kind === "ack" ? 50_001 : 50_002;
    const own = (await lab().run(`ip -4 -o route get ${GUEST}`)).match(/src (\S+)/)?.[1] ?? "";
    const request = `printf 'GET /style.css HTTP/1.1\\r\\nHost: a\\r\\n%b\\r\\n'`;
    const victim = `{ ${request} ''; sleep 3; ${PROGRAM} ${kind} ${GUEST} 80 3000 ${own} ${port} >/tmp/storm; ${request} 'Connection: close\\r\\n'; sleep 5; }`;
    const answers = await lab().run(`${victim} | busybox nc -p ${port} ${GUEST} 80`, { timeoutMs: TIMEOUT_MS });
    assert.equal(await lab().run("cat /tmp/storm"), "3000");
    assert.equal(answers.match(/HTTP\/1\.1 200 OK/g)?.length, 2, answers.slice(-300));
    const after = await figures();
    const challenges = after("challenge_acks") - before("challenge_acks");
    // RFC 5961, section 7: a bounded number a second, here at most 150; the storm lasts a few seconds.
    assert.ok(challenges < 3000 / 2, `${challenges} challenge ACKs`);
    await recovers(kernelMemory(before), kind);
  });
}

test("slow heads and closed windows in hundreds", { timeout: TIMEOUT_MS }, async () => {
  await target();
  const before = kernelMemory(await figures());
  const started = Date.now();
  await hold("zero", 120, PATIENCE_SECONDS);
  await hold("slow", 250, 10);
  await requests(15);
  const during = await figures();
  assert.ok(during("connections") <= 256 + 16, `${during("connections")} connections`);
  assert.ok(during("app_memory_bytes") < 8 * 1024 * 1024, `${during("app_memory_bytes")} bytes of the app`);
  await lab().run(`sleep ${Math.max(1, PATIENCE_SECONDS - Math.floor((Date.now() - started) / 1000))}`, {
    timeoutMs: TIMEOUT_MS,
  });
  for (const [kind, connections] of [
    ["zero", 120],
    ["slow", 250],
  ]) {
    const end = `until grep '^[0-9]' /tmp/${kind}; do sleep 1; done`;
    assert.equal(await lab().run(end, { timeoutMs: TIMEOUT_MS }), String(connections));
  }
  const after = await figures();
  assert.ok(after("connections") <= 5, `${after("connections")} connections are left`);
  await recovers(before, "slow and closed");
});
