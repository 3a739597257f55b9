// Connections change hands on real Xen (test/apps/handover): a server forks with them, and whichever process goes on, its clients in domain 0 get
// every byte, hear at once when there is nobody left, and see one host.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { arm, faultHappened, startFaultyForkd, wayOf } from "./faults_support.ts";
import { pushProgram, startForkd, type Forkd } from "./forkd_support.ts";
import { look, type Repeated, type Seen } from "./handover_capture.ts";
import type { Echoed } from "./handover_client.ts";
import { BOOT_TIMEOUT_MS, boot, useLab, type Guest } from "./support.ts";

const limit = { timeout: 10 * BOOT_TIMEOUT_MS };
const CLIENT = fileURLToPath(new URL("handover_client.ts", import.meta.url));
const ROUNDS = Number(process.env["KARYON_HANDOVER_ROUNDS"] ?? 1);
const STAY = ['on_poweroff = "preserve"', 'on_crash = "preserve"', 'vif = ["bridge=xenbr0"]'];
const ECHO_MS = 280_000;
/** For what happens within a second on a machine that has nothing else to do; a peer that is not told waits for ever. */
const PATIENCE_MS = 60_000;
/** RFC 6298 lets no retransmission time-out be shorter in Linux (TCP_RTO_MIN). */
const RTO_MIN_MS = 200;
/** More than a hand-over takes, ms. */
const BEFORE_MS = 2000;
const EBUSY = 16;
const WATCHED = "/tmp/watched";
const CAPTURE = "/tmp/handover.pcap";
/** Hand-overs without a time-out that there have to be, and attempts. */
const QUICK = 2;
const ATTEMPTS = 6;
/** For a child to stand ready. */
const SHELL_MS = 5000;

const lab = useLab();

/** A server, and the forkd that serves it. */
class Scene implements AsyncDisposable {
  private constructor(
    public forkd: Forkd,
    readonly guest: Guest,
    readonly address: string,
    readonly client: string,
  ) {}

  static async start(fork = "fork=24", starting = startForkd(lab())): Promise<Scene> {
    const forkd = await starting;
    const guest = await boot(lab(), "test/apps/handover", { commandLine: `ip=dhcp ${fork}`, extra: STAY });
    await guest.console.waitFor(/handover: ready/, BOOT_TIMEOUT_MS);
    const address = await guest.address();
    await guest.keepNeighbour();
    return new Scene(forkd, guest, address, await pushProgram(lab(), CLIENT));
  }

  async echo(...specifications: readonly string[]): Promise<Echoed[]> {
    const command = `node ${this.client} echo ${this.address} ${specifications.join(" ")}`;
    const lines = (await lab().run(command, { timeoutMs: ECHO_MS })).trim().split("\n");
    return lines.map((line) => JSON.parse(line) as Echoed);
  }

  /** Connects to the ports and goes on; what the clients say is read by heard(). */
  async watch(...ports: readonly number[]): Promise<void> {
    const command = `exec node ${this.client} watch ${this.address} ${ports.join(" ")} >${WATCHED} 2>&1`;
    await lab().run(`rm -f ${WATCHED}; (${command} </dev/null & echo $! >${WATCHED}.pid)`);
  }

  /** Waits until the watching client `index` has heard something like `what`; how long that took, ms. */
  async heard(index: number, what: RegExp): Promise<RegExpExecArray> {
    for (const begun = performance.now(); performance.now() - begun < PATIENCE_MS; await sleep(200)) {
      const text = (await lab().sh(`cat ${WATCHED}`)).stdout;
      const own = text.split("\n").flatMap((line) => (line.startsWith(`${index} `) ? [line.slice(2)] : []));
      const found = what.exec(own.join("\n"));
      if (found !== null) return found;
    }
    throw new Error(`client ${index} does not hear ${what}: ${(await lab().sh(`cat ${WATCHED}`)).stdout}`);
  }

  async explained<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const consoles = `cd /var/log/xen/console; tail -n 12 guest-${this.guest.name}*.log`;
      const texts = [(await lab().sh(consoles)).stdout, this.forkd.output.text.slice(-5000)];
      throw new Error(texts.join("\n--- forkd\n"), { cause: error });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await lab().sh(`kill $(cat ${WATCHED}.pid)`);
    await this.guest[Symbol.asyncDispose]();
    await lab().sh(`for d in $(xl list | awk '/^${this.guest.name}-/ {print $1}'); do xl destroy $d; done`);
    await this.forkd[Symbol.asyncDispose]();
  }
}

/** A capture of what dom0 sends to the server and gets from it. */
class Dump implements AsyncDisposable {
  private constructor(private readonly address: string) {}

  static async start(address: string): Promise<Dump> {
    const command = `exec tcpdump -i xenbr0 -s 96 -U -w ${CAPTURE} host ${address}`;
    await lab().run(`(${command} >/dev/null 2>&1 </dev/null & echo $! >${CAPTURE}.pid); sleep 1`);
    return new Dump(address);
  }

  async seen(): Promise<Seen> {
    await sleep(1000);
    return look(await lab().copyOut(CAPTURE), this.address);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await lab().sh(`kill $(cat ${CAPTURE}.pid)`);
  }
}

function whole(all: readonly Echoed[]): void {
  assert.deepEqual(
    all.filter(({ equal, error, sent, received }) => !equal || error !== undefined || sent !== received),
    [],
  );
}

test("children serve connections that were accepted before: every byte comes back, from one host", limit, async () => {
  await using scene = await Scene.start();
  await scene.explained(async () => {
    await using dump = await Dump.start(scene.address);
    for (let round = 0; round < ROUNDS; round++) {
      const seed = 100 + round * 1000;
      whole(await scene.echo(`7:3:150000:${seed}`, `8:1:150000:${seed + 20}`, `10:2:300000:${seed + 40}`));
      whole(await scene.echo(`11:1:300000:${seed + 60}:3`, `7:1:100000:${seed + 80}`));
    }
    const { segments, macs, resets } = await dump.seen();
    assert.ok(segments > 500, `${segments} segments`);
    assert.equal(macs.size, 1, [...macs].join(" "));
    assert.equal(resets, 0);
  });
});

/** The retransmission time-outs of a hand-over: what came twice, and the first time while the child claimed the connection. */
async function timeoutsOf(scene: Scene, seed: number): Promise<readonly Repeated[]> {
  // A child stands ready, and the one for the next fork is made before this one claims: what takes its time is the hand-over.
  await sleep(SHELL_MS);
  await using dump = await Dump.start(scene.address);
  whole(await scene.echo(`14:1:100000:${seed}:0:120`));
  const { segments, repeated } = await dump.seen();
  assert.ok(segments > 100, `${segments} segments`);
  // The child is the first to send something: what was under way when it began was under way during the hand-over.
  return repeated.filter(({ at, after }) => at !== undefined && at > -BEFORE_MS && at <= 0 && after >= RTO_MIN_MS);
}

test("a hand-over costs no peer a retransmission time-out", limit, async () => {
  await using scene = await Scene.start();
  await scene.explained(async () => {
    whole(await scene.echo("14:1:100000:1:0:120")); // what memory the first process needs it has then
    // An emulated machine that rests for 200 ms while others run on its host has time-outs of its own.
    const seen: (readonly Repeated[])[] = [];
    while (seen.filter((timeouts) => timeouts.length === 0).length < QUICK) {
      assert.ok(seen.length < ATTEMPTS, JSON.stringify(seen, undefined, 1));
      seen.push(await timeoutsOf(scene, 2 + seen.length));
    }
  });
});

test("two use a connection, or one of them is destroyed: the clients hear of it at once", limit, async () => {
  await using scene = await Scene.start();
  await scene.explained(async () => {
    await scene.watch(9, 12, 13);
    await scene.heard(0, new RegExp(`the parent has it\nerrno ${EBUSY}\nprocess \\d+ has it now\nended$`));
    const [, owner] = await scene.heard(1, /process (\d+)/);
    await lab().run(`xl destroy ${scene.guest.name}-${owner}`);
    await scene.heard(1, /ended/);
    await scene.heard(2, /connected/);
    const idle = await lab().run(`grep -l "is idle" /var/log/xen/console/guest-${scene.guest.name}-*.log`);
    const [, holder] = /-(\d+)\.log/.exec(idle) ?? [];
    await lab().run(`xl destroy ${scene.guest.name}-${holder}`);
    await scene.heard(2, /ended/);
  });
});

test("forkd is killed in the midst of hand-overs and comes again: every byte comes back", limit, async () => {
  await using scene = await Scene.start();
  await scene.explained(async () => {
    const all = scene.echo("11:1:400000:7:3", "7:2:300000:17", "10:1:300000:27");
    all.catch(() => undefined); // it is awaited last
    await scene.forkd.output.waitFor(/(?: forked [^]*){2}/, PATIENCE_MS);
    await scene.forkd.end("KILL");
    await sleep(500);
    scene.forkd = await startForkd(lab());
    whole(await all);
  });
});

test("forkd is killed before it has connected a child's interface: the next one does it", limit, async () => {
  await using scene = await Scene.start("fork=4", startFaultyForkd(lab(), wayOf("share")));
  await scene.explained(async () => {
    // The records of the child to be, its nodes, and the record of its birth: it runs by then, and netback has hardly begun.
    const from = await arm(scene.forkd, { kind: "kill", call: "Store.writeAll", at: 3 });
    const all = scene.echo("7:1:20000:5");
    all.catch(() => undefined); // it is awaited last
    await faultHappened(scene.forkd, from);
    await scene.forkd.output.waitFor(/forkd ended with/, PATIENCE_MS, from);
    const status = "xenstore-ls -f /local/domain/0/backend/vif | grep -c 'hotplug-status = .connected'";
    assert.equal((await lab().run(status)).trim(), "1", "the first process's is connected, the child's is not");
    scene.forkd = await startForkd(lab());
    whole(await all);
  });
});
