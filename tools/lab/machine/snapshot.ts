// The lab's snapshot: the Xen host booted once, stopped when its agent answers, memory and device state kept in the
// cache. A start maps that memory copy-on-write, so every lab begins in the same clean state and several run at once.
import { execa } from "execa";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder, cachedFolder, keepRecent, markUsed, removeLeftovers, withLock } from "../../debian/cache.ts";
import { startProgress, type Progress } from "../../debian/progress.ts";
import { hostTool } from "../../debian/tools.ts";
import { KaryonError, describeError } from "../../support/errors.ts";
import { logger } from "../../support/log.ts";
import { request } from "../client.ts";
import { hostImage, type HostImage } from "../image/image.ts";
import { accelerators, type Accelerator } from "./accelerator.ts";
import { countingPlugin } from "../count/count.ts";
import { addForward, removeForward } from "./forward.ts";
import { AGENT_ADDRESS, AGENT_PORT } from "../agent/protocol.ts";
import { dom0Settings } from "./dom0.ts";
import { Machine, machineArguments, quoted, type MachineKind } from "./qemu.ts";
import type { Qmp } from "./qmp.ts";

const BOOT_TIMEOUT_MS: Readonly<Record<Accelerator, number>> = { kvm: 60_000, tcg: 240_000, icount: 600_000 };
const SAVE_TIMEOUT_MS = 60_000;
const POLL_MS = 100;
// Half a gigabyte each; several checkouts may share the cache.
const KEPT_SNAPSHOTS = 6;

const HOST_MEMORY = 1536;
const DOM0_MEMORY = 640;
// eager-fpu, as on real hosts: without it and under emulation, guests that wake up often change dom0's SSE registers.
// sched=credit: under emulation, credit2 now and then leaves dom0 in its queue although both processors are idle, for ever.
const XEN_OPTIONS = [
  `dom0_mem=${DOM0_MEMORY}M,max:${DOM0_MEMORY}M noreboot bootscrub=0 spec-ctrl=no,eager-fpu sched=credit`,
  "console=com1 com1=115200,8n1 loglvl=warning guest_loglvl=warning",
].join(" ");
// tsc=reliable: by itself Linux does not trust the TSC of a processor that it does not know, and each look at the clock is a system
// call then, whose two changes of page tables empty the emulated TLB; nearly half of forkd's calls were such.
const LINUX_OPTIONS = [
  "console=hvc0 quiet cryptomgr.notests init_on_alloc=0 mitigations=off rodata=off audit=0 random.trust_cpu=on",
  "tsc=reliable",
].join(" ");

/** A booted Xen host, ready to be started from. */
export interface Snapshot {
  readonly kind: MachineKind;
  readonly folder: string;
  readonly ram: string;
  readonly state: string;
}

/** The snapshot for the present image, QEMU and machine; made when it is not in the cache. */
export async function currentSnapshot(only?: Accelerator, memory = HOST_MEMORY): Promise<Snapshot> {
  const image = await hostImage();
  const candidates = only === undefined ? await accelerators() : [only];
  for (const accelerator of candidates) {
    const kind = { accelerator, memory, dom0: dom0Settings(accelerator) };
    const folder = join(cacheFolder(), "lab", "snapshots", await snapshotKey(image, kind));
    const snapshot = { kind, folder, ram: join(folder, "ram"), state: join(folder, "state") };
    const refused = `${folder}.refused`;
    if (existsSync(refused)) continue;
    try {
      await withSnapshot(snapshot, image);
      return snapshot;
    } catch (error) {
      if (accelerator === candidates.at(-1)) throw error;
      // KVM is there and yet Xen does not come up on it: remember that, and emulate.
      await writeFile(refused, describeError(error));
      logger.warn(`the lab does not run under ${accelerator} here (see ${refused}): emulating`);
    }
  }
  throw new KaryonError(
    "LAB_BROKEN",
    "the lab runs under no accelerator of this host",
    "remove .cache/lab and try again",
  );
}

/** Tells one making of a snapshot from the next; empty when there is none. */
export async function snapshotVersion({ state }: Snapshot): Promise<string> {
  if (!existsSync(state)) return "";
  const { ino, mtimeMs } = await stat(state);
  return `${ino} ${mtimeMs}`;
}

/** Throws a snapshot away that does not come up, unless another process has already replaced that version. */
export async function dropSnapshot(snapshot: Snapshot, version: string): Promise<void> {
  await withLock("lab-snapshot", async () => {
    if ((await snapshotVersion(snapshot)) === version) await rm(snapshot.folder, { recursive: true, force: true });
  });
}

/** Starts a machine in the state of `snapshot`; what it does to its memory is its own. */
export async function restore(snapshot: Snapshot, detached: boolean): Promise<{ machine: Machine; qmp: Qmp }> {
  const { kind, ram, state } = snapshot;
  const counting = kind.accelerator === "icount" ? { plugin: await countingPlugin() } : {};
  const args = ["-incoming", "defer"];
  const started = await Machine.start({ kind, ram, keepRam: false, args, detached, ...counting });
  try {
    await leaveRamInPlace(started.qmp);
    await started.qmp.command("migrate-incoming", { uri: `exec:cat ${shellQuoted(state)}` });
    return started;
  } catch (error) {
    started.qmp.close();
    await started.machine.stop();
    throw error;
  }
}

// The memory is a file that both sides map: QEMU need not copy it into the state.
async function leaveRamInPlace(qmp: Qmp): Promise<void> {
  await qmp.command("migrate-set-capabilities", { capabilities: [{ capability: "x-ignore-shared", state: true }] });
}

function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

async function snapshotKey(image: HostImage, kind: MachineKind): Promise<string> {
  const { command } = await hostTool("qemu-system-x86_64");
  const { size, mtimeMs } = await stat(command);
  const parts = [image.key, machineArguments(kind), size, mtimeMs, xenOptions(kind), linuxOptions(kind)];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}

function xenOptions({ accelerator, dom0 }: MachineKind): string {
  const options = `${XEN_OPTIONS} dom0_max_vcpus=${dom0.processors}`;
  // Instructions are counted by CPU: dom0 keeps to the first.
  return accelerator === "icount" ? `${options} dom0_vcpus_pin` : options;
}

function linuxOptions({ dom0 }: MachineKind): string {
  // What Linux does not know, the init script has as a variable.
  return `${LINUX_OPTIONS} xenstored=${dom0.xenstored}`;
}

async function withSnapshot(snapshot: Snapshot, image: HostImage): Promise<void> {
  if (!existsSync(snapshot.folder)) {
    const all = join(snapshot.folder, "..");
    await withLock("lab-snapshot", async () => {
      await removeLeftovers(all);
      await cachedFolder(snapshot.folder, (temporary) => makeSnapshot(snapshot.kind, image, temporary));
      await keepRecent(all, KEPT_SNAPSHOTS);
    });
  }
  await markUsed(snapshot.folder);
}

async function makeSnapshot(kind: MachineKind, image: HostImage, folder: string): Promise<void> {
  const progress = startProgress(`booting the Xen host once (${kind.accelerator})`);
  const ram = join(folder, "ram");
  const state = join(folder, "state");
  await writeFile(ram, "");
  await truncate(ram, kind.memory * 1024 * 1024);
  const args = [
    ...["-kernel", image.xen, "-append", xenOptions(kind)],
    ...["-initrd", `${quoted(image.kernel)} ${linuxOptions(kind)},${quoted(image.initrd)}`],
  ];
  const { machine, qmp } = await Machine.start({ kind, ram, keepRam: true, args, detached: false });
  try {
    const port = await addForward(qmp, { address: AGENT_ADDRESS, port: AGENT_PORT });
    await waitForAgent(machine, port, BOOT_TIMEOUT_MS[kind.accelerator], progress);
    await removeForward(qmp, port);
    progress.update("saving");
    await save(qmp, state);
  } finally {
    qmp.close();
    await machine.stop();
  }
  await execa("fallocate", ["--dig-holes", ram], { reject: false });
  progress.done();
}

/** Waits until the agent behind `port` answers. */
export async function waitForAgent(
  machine: Machine,
  port: number,
  timeoutMs: number,
  progress?: Progress,
): Promise<void> {
  const start = Date.now();
  for (;;) {
    if (machine.ended || Date.now() - start > timeoutMs) {
      const what = machine.ended ? "QEMU ended" : `no answer within ${timeoutMs / 1000} s`;
      throw new KaryonError("LAB_BOOT", `the Xen host does not come up: ${what}\n${await machine.lastWords()}`);
    }
    try {
      await request({ port, secret: "" }, { op: "ping" }, { timeoutMs: 2000 });
      return;
    } catch (error) {
      if (!(error instanceof KaryonError)) throw error;
      progress?.update(`${((Date.now() - start) / 1000).toFixed(0)} s`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

async function save(qmp: Qmp, state: string): Promise<void> {
  await qmp.command("stop");
  await qmp.command("migrate-set-parameters", { "max-bandwidth": 0x7fffffff });
  await leaveRamInPlace(qmp);
  await qmp.command("migrate", { uri: `exec:cat >${shellQuoted(state)}` });
  const deadline = Date.now() + SAVE_TIMEOUT_MS;
  for (;;) {
    const { status } = (await qmp.command("query-migrate")) as { status?: string };
    if (status === "completed") return;
    if (status === "failed" || status === "cancelled" || Date.now() > deadline) {
      throw new KaryonError(
        "LAB_SNAPSHOT",
        `QEMU cannot save the machine (${status ?? "no status"})`,
        "is the disk full?",
      );
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
