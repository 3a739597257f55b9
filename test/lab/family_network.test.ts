// One address, several processes, on real Xen: workers share a listening port; when one is destroyed the peers of its connections hear of
// it at once, others' connections go on, and so does the address when the first process has gone.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";
import { startForkd, type Forkd } from "./forkd_support.ts";
import { BOOT_TIMEOUT_MS, boot, useLab, type Guest } from "./support.ts";

const limit = { timeout: 10 * BOOT_TIMEOUT_MS };
const APP = "test/apps/workers";
const CLIENTS = 16;
/** For what happens within a second on a machine that has nothing else to do; a peer that is not told waits for ever. */
const PATIENCE_MS = 60_000;
/** For a family to be made. */
const START_MS = 180_000;
const STAY = ['on_poweroff = "preserve"', 'on_crash = "preserve"', 'vif = ["bridge=xenbr0"]'];

const lab = useLab();

/** Silent clients in domain 0: each connects, keeps what it hears in a file, and sends what is written to its pipe. */
class Clients {
  private constructor(
    readonly address: string,
    readonly count: number,
  ) {}

  static async connect(address: string, count: number): Promise<Clients> {
    const one = (i: number): string =>
      `mkfifo c${i}; (sleep 600 >c${i} & echo $! >h${i}); (nc ${address} 7 <c${i} >o${i}; echo ended >>o${i}) &`;
    const all = Array.from({ length: count }, (_, i) => one(i)).join("\n");
    await lab().run(`rm -rf /tmp/clients; mkdir /tmp/clients; cd /tmp/clients\n(${all}\n) >/dev/null 2>&1 </dev/null`);
    const clients = new Clients(address, count);
    await clients.until((owners) => owners.every((owner) => owner !== undefined), "everybody is greeted");
    return clients;
  }

  /** Whose each connection is; those that have ended are 0, those of which nothing is known undefined. */
  async owners(): Promise<(number | undefined)[]> {
    const texts = (await lab().run("cd /tmp/clients; for i in $(seq 0 99); do [ -e o$i ] && echo $(cat o$i); done; true")).trimEnd().split("\n"); // prettier-ignore
    return texts.map((text) => (text.includes("ended") ? 0 : pidIn(text)));
  }

  async until(holds: (owners: (number | undefined)[]) => boolean, what: string): Promise<void> {
    const begun = performance.now();
    let owners = await this.owners();
    while (!holds(owners)) {
      assert.ok(performance.now() - begun < PATIENCE_MS, `${what}: ${owners.join(" ")}`);
      await sleep(200);
      owners = await this.owners();
    }
  }

  /** Sends a line on connection `i` and waits for its echo. */
  async echoes(i: number): Promise<boolean> {
    await lab().run(`cd /tmp/clients; echo "word ${i}" >c${i}`);
    for (let left = PATIENCE_MS / 200; left > 0; left--) {
      if ((await lab().run(`cat /tmp/clients/o${i}`)).includes(`word ${i}`)) return true;
      await sleep(200);
    }
    return false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await lab().sh("cd /tmp/clients && kill $(cat h*); rm -rf /tmp/clients");
  }
}

function pidIn(text: string): number | undefined {
  const pid = /process (\d+)/.exec(text)?.[1];
  return pid === undefined ? undefined : Number(pid);
}

/** Boots an app with `count` workers, and waits until all of them accept. */
async function bootWorkers(forkd: Forkd, count: number): Promise<Guest> {
  const guest = await boot(lab(), APP, { extra: STAY, commandLine: `ip=dhcp fork=8 -- ${count}` });
  await guest.console.waitFor(/workers: all started/, START_MS);
  await forkd.output.waitFor(new RegExp(`(?:${guest.name}-\\d+ is process [^]*){${count}}`), START_MS);
  return guest;
}

async function explained<T>(forkd: Forkd, guest: Guest, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new Error(`${guest.console.text.slice(-3000)}\n--- forkd\n${forkd.output.text.slice(-5000)}`, {
      cause: error,
    });
  }
}

test("workers share a port; one is destroyed: its silent peers hear of it at once, others go on", limit, async () => {
  await using forkd = await startForkd(lab());
  await using guest = await bootWorkers(forkd, 3);
  await explained(forkd, guest, async () => {
    await sleep(1000);
    await using clients = await Clients.connect(await guest.address(), CLIENTS);
    const before = await clients.owners();
    const workers = new Set(before);
    assert.ok(workers.size === 3 && !workers.has(1), `owners ${before.join(" ")}`);
    const [victim = 0] = before;
    await lab().run(`xl destroy ${guest.name}-${victim}`);
    await clients.until(
      (owners) => before.every((owner, i) => owner !== victim || owners[i] === 0),
      `the peers of process ${victim} hear of its end`,
    );
    for (const [i, owner] of before.entries())
      if (owner !== victim) assert.ok(await clients.echoes(i), `${i} of ${owner}`);
    for (let i = 0; i < 8; i++) {
      const heard = pidIn(await lab().run(`sleep 1 | nc ${clients.address} 7`));
      assert.ok(heard !== undefined && heard !== victim && workers.has(heard), `process ${heard} answers`);
    }
  });
});

test("forkd is killed and comes again: connections go on, and so does what it does for them", limit, async () => {
  await using first = await startForkd(lab());
  await using guest = await bootWorkers(first, 2);
  await explained(first, guest, async () => {
    await sleep(1000);
    await using clients = await Clients.connect(await guest.address(), CLIENTS);
    const before = await clients.owners();
    await first.end("KILL");
    await using second = await startForkd(lab());
    await second.output.waitFor(new RegExp(`(?:${guest.name}\\S* is process [^]*){3}`), START_MS);
    await sleep(1000);
    for (const i of before.keys()) assert.ok(await clients.echoes(i), `connection ${i} of ${before[i]}`);
    // Whatever the workers' numbers are: a shell that did not fit has had one, too.
    const [gone = 0, left = 0] = [...new Set(before)];
    await lab().run(`xl destroy ${guest.name}-${gone}`);
    await clients.until(
      (owners) => owners.every((owner, i) => owner === (before[i] === gone ? 0 : left)),
      `peers of process ${gone} hear of its end`,
    );
    for (let i = 0; i < 4; i++) assert.equal(pidIn(await lab().run(`sleep 1 | nc ${clients.address} 7`)), left);
  });
});

test("the first process is destroyed: another keeps the address, and the workers go on", limit, async () => {
  await using forkd = await startForkd(lab());
  await using guest = await bootWorkers(forkd, 2);
  await explained(forkd, guest, async () => {
    await sleep(1000);
    await using clients = await Clients.connect(await guest.address(), 6);
    const before = await clients.owners();
    await lab().run(`xl destroy ${guest.name}; ip neigh flush all`);
    for (const i of before.keys()) assert.ok(await clients.echoes(i), `connection ${i}`);
    await lab().run(`ip neigh flush all; ping -c 2 -w 20 ${clients.address}`);
    assert.ok(pidIn(await lab().run(`sleep 1 | nc ${clients.address} 7`)) !== undefined);
  });
  await lab().run(`for d in $(xl list | awk '/^${guest.name}-/ {print $1}'); do xl destroy $d; done; true`);
});
