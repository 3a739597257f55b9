// IPv6 on real Xen, with dom0's Linux as the peer: addresses from a router and from the configuration, ping of every size,
// pages of httpd over both families of one listener, and a port where nobody listens.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { filesImage } from "../../tools/bench/images.ts";
import { boot, BOOT_TIMEOUT_MS, type Guest, useLab } from "./support.ts";

const PAGE = fileURLToPath(new URL("../../apps/httpd/static/index.html", import.meta.url));
const TEST_TIMEOUT_MS = 240_000;
const BULK = 8_000_000;

const lab = useLab();

/** The address that the console announces with `origin` behind it. */
async function announced(guest: Guest, origin: string): Promise<string> {
  const line = new RegExp(`net: eth0 ([0-9a-f:]+)/64 ${origin}`);
  const [, address = ""] = await guest.console.waitFor(line, BOOT_TIMEOUT_MS);
  return address;
}

/** What a fetch of `url` in dom0 gives: the body, or the code of the error. */
async function fetched(url: string): Promise<string> {
  const program = `fetch("${url}").then((answer) => answer.text(), (error) => error.cause.code).then(console.log)`;
  return lab().run(`node -e '${program}'`, { timeoutMs: BOOT_TIMEOUT_MS });
}

test("dom0 speaks IPv6 with a web appliance", { timeout: TEST_TIMEOUT_MS }, async () => {
  await lab().run("ip -6 addr replace fd00::1/64 dev xenbr0 nodad");
  const commandLine = "ip=dhcp ip6=fd00::20/64 stack=64K -- poll";
  await using guest = await boot(lab(), "apps/httpd", { commandLine });
  await guest.console.waitFor(/httpd: \d+ files, port 80/, BOOT_TIMEOUT_MS);
  const linkLocal = await announced(guest, "link-local");
  const fixed = await announced(guest, "static");
  assert.match(linkLocal, /^fe80::/);
  assert.equal(fixed, "fd00::20");

  const page = await readFile(PAGE, "utf8");
  assert.equal((await fetched(`http://[${fixed}]/`)).trimEnd(), page.trimEnd());
  assert.equal((await fetched(`http://${await guest.address()}/`)).trimEnd(), page.trimEnd());
  for (const size of [0, 56, 1452, 1453, 20_000]) {
    const answer = await lab().run(`ping -6 -c 2 -W 10 -s ${size} ${fixed}`);
    assert.match(answer, /2 packets received|2 received/, `${size} bytes`);
  }
  assert.match(await lab().run(`ping -6 -c 2 -W 10 ${linkLocal}%xenbr0`), /2 packets received|2 received/);
  assert.equal((await fetched(`http://[${fixed}]:81/`)).trimEnd(), "ECONNREFUSED");
});

test("bulk text leaves in large frames, and every byte arrives", { timeout: TEST_TIMEOUT_MS }, async () => {
  await lab().run("ip -6 addr replace fd00::1/64 dev xenbr0 nodad");
  const contents = randomBytes(BULK);
  const { cfg } = await filesImage({ "bulk.bin": contents });
  await using guest = await boot(lab(), cfg, { commandLine: "ip=dhcp ip6=fd00::21/64 stack=64K -- poll" });
  await guest.console.waitFor(/httpd: \d+ files, port 80/, BOOT_TIMEOUT_MS);
  await announced(guest, "static");
  const statistics = `/sys/class/net/vif${(await lab().run(`xl domid ${guest.name}`)).trim()}.0/statistics`;
  const frames = async (): Promise<number> => Number(await lab().run(`cat ${statistics}/rx_packets`));
  const before = await frames();
  const hash = await lab().run("curl -s -f http://[fd00::21]/bulk.bin | sha256sum");
  assert.equal(hash.split(" ")[0], createHash("sha256").update(contents).digest("hex"));
  const average = BULK / ((await frames()) - before);
  assert.ok(average > 10_000, `${Math.round(average)} bytes a frame`);
});

test("a router's prefix gives an address", { timeout: TEST_TIMEOUT_MS }, async () => {
  await using guest = await boot(lab(), "apps/httpd", { commandLine: "ip=dhcp stack=64K -- poll" });
  const address = await announced(guest, "by router advertisement");
  await lab().run(`ip -6 addr replace ${address.replace(/^([0-9a-f]+:).*/, "$1")}:1/64 dev xenbr0 nodad`);
  assert.match(await lab().run(`ping -6 -c 2 -W 10 ${address}`), /2 packets received|2 received/);
});
