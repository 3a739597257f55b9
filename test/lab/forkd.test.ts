// forkd on real Xen: what it makes of a domain that forks, and what is left afterwards – nothing.
import assert from "node:assert/strict";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { buildImage } from "../../tools/image/build.ts";
import { repositoryPath } from "../../tools/image/paths.ts";
import { startForkd, type Forkd } from "./forkd_support.ts";
import { boot, BOOT_TIMEOUT_MS, useLab, type Guest } from "./support.ts";

const TIMEOUT_MS = 300_000;
const ANSWER_MS = 60_000;
const limit = { timeout: TIMEOUT_MS };
const STAY = ['on_poweroff = "preserve"', 'on_crash = "preserve"'];

const lab = useLab();

function bootForker(commandLine: string): Promise<Guest> {
  return boot(lab(), "test/apps/forker", { commandLine, extra: STAY });
}

/** Tells it to begin, once forkd serves it. */
async function tell(guest: Guest, forkd: Forkd): Promise<void> {
  await guest.console.waitFor(/ready/, BOOT_TIMEOUT_MS);
  await forkd.output.waitFor(new RegExp(`${guest.name} is process 1`), ANSWER_MS);
  await lab().type(guest.name, "\n");
}

/** What a leak would change: free memory, domains, and xenstore apart from what belongs to the guest itself. */
async function hostState(guest: Guest): Promise<string> {
  const id = (await lab().run(`xl domid ${guest.name}`)).trim();
  const tree = `xenstore-ls -f / | grep -v -e '^/local/domain/${id}/data' -e '^/tool' -e /last-pid`;
  return lab().run(`xl info | grep free_memory; xl list | awk '{print $1, $2, $3}'; ${tree}`);
}

test("fork and wait work as the appliance expects", limit, async () => {
  await using forkd = await startForkd(lab());
  await using guest = await boot(lab(), "test/apps/fork", { extra: STAY });
  const [all] = await guest.console.waitFor(/[\s\S]*fork: (?:all passed|\d+ failed)/, TIMEOUT_MS);
  assert.deepEqual(all.match(/^FAILED.*$/gm) ?? [], [], forkd.output.text);
  const children = await lab().run(`grep -h FAILED /var/log/xen/console/guest-${guest.name}-*.log; true`);
  assert.equal(children, "");
  await forkd.end();
});

test("a child is a domain like any other, and the family can be shown", limit, async () => {
  await using forkd = await startForkd(lab());
  await using guest = await bootForker("ip=off fork=4 -- stay 2");
  await tell(guest, forkd);
  await guest.console.waitFor(/forked 3/, ANSWER_MS);
  const list = await lab().run("xl list");
  assert.match(list, new RegExp(`^${guest.name}-2 `, "m"));
  assert.match(list, new RegExp(`^${guest.name}-3 `, "m"));
  const status = await forkd.status();
  const line = (pid: number, name: string): string => `${pid} ${name} +\\d+ running +[\\d.]+[KM] `;
  assert.match(status, new RegExp(`\\n${line(1, guest.name)}.*\\n  ${line(2, `${guest.name}-2`)}`));
  assert.ok(
    status.split("\n").every((text) => text.length <= 80),
    status,
  );
  const closed = (await lab().run("xenstore-ls -p /karyon")).split("\n").filter((text) => text !== "");
  assert.ok(closed.length > 0 && closed.every((text) => text.endsWith("(n0)")), closed.join("\n"));
  assert.match(await lab().run(`cat /var/log/xen/console/guest-${guest.name}-2.log`), /child 2 of 1/);
  await lab().run(`xl destroy ${guest.name}-2`);
  await guest.console.waitFor(/ended 2 signal 9/, ANSWER_MS);
  await lab().run(`xl shutdown -w ${guest.name}-3`, { timeoutMs: ANSWER_MS });
  await guest.console.waitFor(/ended 3 /, ANSWER_MS);
  await forkd.end();
});

test("twenty forks leave nothing behind", limit, async () => {
  await using forkd = await startForkd(lab(), { args: ["--pool", "0"] }); // the pool would have another domain ready
  await using guest = await bootForker("ip=off fork=2 -- rounds 20");
  await guest.console.waitFor(/ready/, BOOT_TIMEOUT_MS);
  await forkd.output.waitFor(new RegExp(`${guest.name} is process 1`), ANSWER_MS);
  const before = await hostState(guest);
  await lab().type(guest.name, "\n");
  await guest.console.waitFor(/rounds done: 20/, TIMEOUT_MS);
  assert.equal(await hostState(guest), before);
  await forkd.end();
});

test("a family has no more children than fork= allows, and others can come when they have ended", limit, async () => {
  await using forkd = await startForkd(lab());
  await using guest = await bootForker("ip=off fork=2 -- stay 3");
  await tell(guest, forkd);
  await guest.console.waitFor(/forked 3[^]*fork failed: 11/, ANSWER_MS);
  await lab().run(`xl destroy ${guest.name}-2 && xl destroy ${guest.name}-3`);
  await guest.console.waitFor(/ended 2 [^]*ended 3 |ended 3 [^]*ended 2 /, ANSWER_MS);
  await forkd.end();
});

/** The app that forks in an image with a network; its own has none. */
async function forkerWithNetwork(): Promise<string> {
  const folder = repositoryPath("build/test/forker-network");
  await cp(repositoryPath("test/apps/forker"), folder, { recursive: true });
  const manifest = JSON.parse(await readFile(join(folder, "karyon.json"), "utf8")) as object;
  await writeFile(join(folder, "karyon.json"), JSON.stringify({ ...manifest, network: { address: "dhcp" } }));
  return (await buildImage(folder, { output: repositoryPath("build/test/forker-network-image") })).cfg;
}

test("a child gets a network device with its parent's address, which goes when it ends", limit, async () => {
  await using forkd = await startForkd(lab());
  await using guest = await boot(lab(), await forkerWithNetwork(), {
    commandLine: "ip=dhcp fork=2 -- stay 1",
    extra: [...STAY, 'vif = ["bridge=xenbr0"]'],
  });
  const address = await guest.address();
  await tell(guest, forkd);
  const [, pid] = await guest.console.waitFor(/forked (\d+)/, ANSWER_MS);
  const child = `${guest.name}-${pid}`;
  using childConsole = lab().console(child);
  try {
    await childConsole.waitFor(/net: connected/, ANSWER_MS);
    await lab().run(`ping -c 1 -W 5 ${address}`);
  } catch (error) {
    throw new Error(`${childConsole.text}\n${forkd.output.text}`, { cause: error });
  }
  const macOf = async (name: string): Promise<string> =>
    /00:16:3e(?::[0-9a-f]{2}){3}/.exec(await lab().run(`xl network-list ${name}`))?.[0] ?? "";
  assert.notEqual(await macOf(child), "");
  assert.equal(await macOf(child), await macOf(guest.name));
  const id = (await lab().run(`xl domid ${child}`)).trim();
  await lab().run(`xl destroy ${child}`);
  await guest.console.waitFor(new RegExp(`ended ${pid} signal 9`), ANSWER_MS);
  assert.notEqual((await lab().sh(`xenstore-exists /local/domain/0/backend/vif/${id}`)).status, 0);
  assert.doesNotMatch(await lab().run("ip link"), new RegExp(`vif${id}\\.`));
  await forkd.end();
});

test(
  "forkd killed while it copies: the parent goes on, and the next forkd removes what was half made",
  limit,
  async () => {
    const before = await lab().run("xl list | awk 'NR > 1 {print $1}'; xl info | grep free_memory");
    {
      await using first = await startForkd(lab());
      await using guest = await boot(lab(), "test/apps/forker", {
        commandLine: "ip=off fork=2 -- stay 1",
        memory: 64,
        extra: STAY,
      });
      await guest.console.waitFor(/ready/, BOOT_TIMEOUT_MS);
      await first.output.waitFor(new RegExp(`${guest.name} is process 1`), ANSWER_MS);
      const count = (await lab().run("xl list | wc -l")).trim();
      // Killed as soon as a new domain is there, which is long before it is complete.
      const catching = `while [ $(xl list | wc -l) -le ${count} ]; do :; done; kill -KILL ${first.pid}`;
      const caught = lab().run(`timeout 60 sh -c '${catching}'`);
      await lab().type(guest.name, "\n");
      await caught;
      await guest.console.waitFor(/fork failed: 11|forked 2/, ANSWER_MS);
      await using second = await startForkd(lab());
      await second.output.waitFor(new RegExp(`${guest.name} is process 1`), ANSWER_MS);
      assert.match(await second.status(), new RegExp(guest.name));
      await second.end();
    }
    await lab().sh("for d in $(xl list | awk '/^forker-/ {print $1}'); do xl destroy $d; done");
    assert.equal(await lab().run("xl list | awk 'NR > 1 {print $1}'; xl info | grep free_memory"), before);
  },
);
