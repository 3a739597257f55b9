// TCP between Karyon and Linux over networks that lose, repeat, reorder, delay and corrupt, Linux being the client and the
// server: every byte arrives, and tshark sees no error of the protocol.
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { hostTool } from "../../tools/debian/tools.ts";
import { bundle } from "../../tools/lab/bundle.ts";
import { boot, BOOT_TIMEOUT_MS, type Guest, useLab } from "./support.ts";

const PEER = fileURLToPath(new URL("dom0/echo_peer.ts", import.meta.url));
const PEER_ADDRESS = "10.0.2.99";
const PORT = 7;
const TEST_TIMEOUT_MS = 240_000;
const TRANSFER_TIMEOUT_MS = 120_000;
const CAPTURES = fileURLToPath(new URL("../../build/test/captures", import.meta.url));

const lab = useLab();

/**
 * What tc's netem does in both directions, and how much is sent and comes back. A run of CI takes those that are `always`, with
 * KARYON_NETWORKS=all all are taken.
 */
const NETWORKS = [
  { name: "clean", netem: "delay 100us", bytes: 4_000_000, always: true },
  { name: "1 % lost", netem: "delay 2ms loss 1%", bytes: 1_000_000, always: true },
  { name: "5 % lost", netem: "delay 2ms loss 5%", bytes: 500_000, always: false },
  { name: "reordered", netem: "delay 4ms reorder 75% 50%", bytes: 500_000, always: false },
  { name: "repeated", netem: "delay 1ms duplicate 10%", bytes: 500_000, always: false },
  { name: "corrupted", netem: "delay 1ms corrupt 1%", bytes: 500_000, always: false },
  {
    name: "all at once",
    netem: "delay 3ms 2ms loss 1% duplicate 1% corrupt 0.5% reorder 50%",
    bytes: 200_000,
    always: true,
  },
].filter(({ always }) => always || process.env["KARYON_NETWORKS"] === "all");

let peer: Promise<void> | undefined;

/** A Linux host of its own on the bridge: a network namespace of dom0. */
function thePeer(): Promise<void> {
  peer ??= makePeer();
  return peer;
}

async function makePeer(): Promise<void> {
  await lab().copyIn(await bundle(PEER), "/root/echo_peer.mjs");
  await lab().run(
    [
      "ip netns add peer",
      "ip link add veth0 type veth peer name eth0 netns peer",
      "ip link set veth0 master xenbr0 up",
      `ip -n peer addr add ${PEER_ADDRESS}/24 dev eth0`,
      "ip -n peer link set lo up",
      "ip -n peer link set eth0 up",
    ].join(" && "),
  );
}

async function shape(guest: Guest, netem: string): Promise<void> {
  const device = await deviceOf(guest);
  // What leaves by a device is shaped: towards the guest, and towards the peer.
  for (const towards of [device, "veth0"]) await lab().run(`tc qdisc replace dev ${towards} root netem ${netem}`);
}

async function deviceOf(guest: Guest): Promise<string> {
  return `vif${await lab().run(`xl domid ${guest.name}`)}.0`;
}

/** Captures what passes the guest's device while `work` goes on; the path of the capture on this host. */
async function captured(guest: Guest, name: string, work: () => Promise<void>): Promise<string> {
  const remote = "/tmp/capture.pcap";
  const device = await deviceOf(guest);
  await lab().run(
    `rm -f /tmp/tcpdump.log; tcpdump --immediate-mode -i ${device} -U -s 128 -w ${remote} tcp and host ${PEER_ADDRESS} >/tmp/tcpdump.log 2>&1 & echo $! >/tmp/tcpdump.pid; until grep -q listening /tmp/tcpdump.log; do sleep 0.05; done`,
  );
  try {
    await work();
  } finally {
    await lab().run(
      "sleep 1; kill $(cat /tmp/tcpdump.pid); while kill -0 $(cat /tmp/tcpdump.pid); do sleep 0.05; done 2>/dev/null",
    );
  }
  await mkdir(CAPTURES, { recursive: true });
  const path = join(CAPTURES, `${name.replace(/\W+/g, "_")}.pcap`);
  await lab().copyOut(remote, path);
  return path;
}

/** What tshark calls an error of the protocol in a capture; and how many frames there are. */
async function judged(capture: string): Promise<{ errors: string; frames: number }> {
  const { command, args, env } = await hostTool("tshark");
  const run = async (...more: readonly string[]): Promise<string> =>
    (await execa(command, [...args, "-n", "-r", capture, ...more], { env })).stdout;
  const frames = (await run("-T", "fields", "-e", "frame.number")).split("\n").length;
  return { errors: await run("-Y", "_ws.expert.severity == error"), frames };
}

test("Linux connects to Karyon over networks of all kinds", { timeout: TEST_TIMEOUT_MS * 2 }, async (t) => {
  await thePeer();
  await using guest = await boot(lab(), "test/apps/echo", { commandLine: `ip=dhcp -- listen ${PORT}` });
  const address = await guest.address();
  await guest.console.waitFor(/echo: listening/, BOOT_TIMEOUT_MS);
  for (const { name, netem, bytes } of NETWORKS) {
    await t.test(name, async () => {
      await shape(guest, netem);
      const capture = await captured(guest, `karyon listens, ${name}`, async () => {
        const command = `ip netns exec peer node /root/echo_peer.mjs connect ${address} ${PORT} ${bytes}`;
        assert.equal(await lab().run(command, { timeoutMs: TRANSFER_TIMEOUT_MS }), `same ${bytes}`);
      });
      const { errors, frames } = await judged(capture);
      assert.ok(frames > bytes / 65536, `${frames} frames captured`);
      if (!netem.includes("corrupt")) assert.equal(errors, "", "errors of the protocol");
    });
  }
});

test("Karyon connects to Linux over networks of all kinds", { timeout: TEST_TIMEOUT_MS * 2 }, async (t) => {
  await thePeer();
  for (const { name, netem, bytes } of NETWORKS.filter(({ name }) => name !== "clean")) {
    await t.test(name, async () => {
      const listening = lab().sh(`ip netns exec peer node /root/echo_peer.mjs listen ${PORT} ${bytes}`, {
        timeoutMs: TRANSFER_TIMEOUT_MS,
      });
      await lab().run(`until ip netns exec peer ss -ltn | grep -q ':${PORT} '; do sleep 0.05; done`);
      // The app ends with its connection: what it has sent must arrive although the domain goes.
      await using guest = await boot(lab(), "test/apps/echo", {
        args: ["-p"],
        commandLine: `ip=dhcp -- connect ${PEER_ADDRESS} ${PORT}`,
      });
      await shape(guest, netem);
      await lab().run(`xl unpause ${guest.name}`);
      assert.match((await listening).stdout, new RegExp(`same ${bytes}\n`));
      await guest.console.waitFor(/echo: done/, BOOT_TIMEOUT_MS);
    });
  }
});
