// A family behind one address on real Xen (test/apps/sharer): parent and children have one Ethernet address and one IP address, and each
// frame reaches the process whose it is – with clients in domain 0 and on the bridge.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { pushProgram } from "../../tools/lab/forkd.ts";
import { startForkd, type Forkd } from "./forkd_support.ts";
import { boot, useLab, type Guest } from "./support.ts";

const TIMEOUT_MS = 400_000;
const ANSWER_MS = 60_000;
const limit = { timeout: TIMEOUT_MS };
const STAY = ['on_poweroff = "preserve"', 'on_crash = "preserve"'];
const SERVER = "10.0.2.15";
const SERVER_PORT = 9000;
const OUTSIDE = "10.0.2.77";
const DATAGRAMS = fileURLToPath(new URL("datagrams.ts", import.meta.url));
const STEER = fileURLToPath(new URL("steer.ts", import.meta.url));

const lab = useLab();

/** A family of three that serves, and where. */
interface Sharers {
  readonly guest: Guest;
  readonly address: string;
  /** "tcp <port> udp <port>" of the children. */
  readonly ports: ReadonlyMap<number, { readonly tcp: number; readonly udp: number }>;
}

async function bootSharers(forkd: Forkd, argument: string): Promise<Sharers> {
  const options = { commandLine: `ip=dhcp fork=4 -- ${argument}`, extra: [...STAY, 'vif = ["bridge=xenbr0"]'] };
  const guest = await boot(lab(), "test/apps/sharer", options);
  const address = await guest.address();
  const ports = new Map<number, { readonly tcp: number; readonly udp: number }>();
  for (const pid of [2, 3]) {
    await forkd.output.waitFor(new RegExp(`${guest.name}-${pid} is process`), ANSWER_MS);
    using console = lab().console(`${guest.name}-${pid}`);
    const [, tcp, udp] = await console.waitFor(/serves tcp (\d+) udp (\d+)/, ANSWER_MS);
    await console.waitFor(/net: connected/, ANSWER_MS);
    ports.set(pid, { tcp: Number(tcp), udp: Number(udp) });
  }
  await guest.console.waitFor(/process 1 serves/, ANSWER_MS);
  return { guest, address, ports };
}

/** Runs a client in domain 0 or, beyond a port of the bridge, "outside". */
function client(command: string, outside = false): Promise<string> {
  return lab().run(outside ? `ip netns exec outside sh -c '${command}'` : command, { timeoutMs: ANSWER_MS });
}

async function outsideExists(): Promise<void> {
  const commands = [
    "ip netns add outside",
    "ip link add out0 type veth peer name out1",
    "ip link set out1 netns outside",
    "ip link set out0 master xenbr0 up",
    `ip netns exec outside ip addr add ${OUTSIDE}/24 dev out1`,
    "ip netns exec outside ip link set out1 up",
  ];
  if ((await lab().sh("ip netns | grep -q outside")).status !== 0) await lab().run(commands.join(" && "));
}

async function answers({ address, ports }: Sharers): Promise<void> {
  const datagrams = await pushProgram(lab(), DATAGRAMS);
  for (const outside of [false, true]) {
    for (const [pid, port] of [[1, 7] as const, ...[...ports].map(([child, { tcp }]) => [child, tcp] as const)]) {
      assert.match(await client(`nc -w 10 ${address} ${port} </dev/null`, outside), new RegExp(`process ${pid}`));
    }
    const udp = [7, ...[...ports.values()].map((port) => port.udp)];
    const answered = (await client(`node ${datagrams} ${address} ${udp.join(" ")}`, outside)).trim().split("\n");
    assert.deepEqual(answered, [1, ...ports.keys()].map((pid) => `process ${pid}`)); // prettier-ignore
    await client(`ping -c 2 -W 5 ${address}`, outside);
  }
}

async function steer(command: string): Promise<string> {
  return lab().run(`node ${await pushProgram(lab(), STEER)} ${command}`, { timeoutMs: ANSWER_MS });
}

async function ended({ guest }: Sharers, forkd: Forkd): Promise<void> {
  await lab().run(`for d in $(xl list | awk '/^${guest.name}/ {print $1}'); do xl destroy $d; done; true`);
  await forkd.output.waitFor(new RegExp(`${guest.name} \\(process 1, .*ended`), ANSWER_MS);
  const gone = "for i in $(seq 200); do ls /sys/class/net | grep -q '^kf' || exit 0; usleep 50000; done; exit 1";
  await lab().run(gone, { timeoutMs: ANSWER_MS });
}

test("each process serves at the family's address, and what it begins comes back to it", limit, async () => {
  await outsideExists();
  await using forkd = await startForkd(lab());
  const listening = `for i in 1 2; do echo hello | nc -l -p ${SERVER_PORT}; done`;
  const heard = lab().run(`timeout ${TIMEOUT_MS / 1000} sh -c '${listening}'`, { timeoutMs: TIMEOUT_MS });
  heard.catch(() => undefined); // it is awaited last
  const sharers = await bootSharers(forkd, `2 ${SERVER} ${SERVER_PORT}`);
  await using guest = sharers.guest;
  try {
    await answers(sharers);
    assert.deepEqual((await heard).match(/process \d/g)?.sort(), ["process 2", "process 3"]);
    const consoles = await lab().run(`cat /var/log/xen/console/guest-${guest.name}-*.log`);
    assert.match(consoles, /process 2 was answered: hello/);
    assert.match(consoles, /process 3 was answered: hello/);
    assert.doesNotMatch(consoles + guest.console.text, /in use by another/);
    const tree = await forkd.status();
    for (const pid of [1, 2, 3]) assert.match(tree, new RegExp(`^ *${pid} ${guest.name}.* ${sharers.address}$`, "m"));
  } catch (error) {
    throw new Error(`${guest.console.text}\n${forkd.output.text}`, { cause: error });
  }
  await ended(sharers, forkd);
  await forkd.end();
});

test("the bridge sees one station: one address, asked for and answered once", limit, async () => {
  await outsideExists();
  await using forkd = await startForkd(lab());
  const sharers = await bootSharers(forkd, "2");
  await using guest = sharers.guest;
  const { address } = sharers;
  await lab().run("ip netns exec outside ip neigh flush all; ip neigh flush all");
  const capture = "ip netns exec outside tcpdump -i out1 -n -e -U --immediate-mode -w /tmp/seen.pcap";
  await lab().run(`(${capture} >/dev/null 2>&1 & echo $! >/tmp/tcpdump.pid); sleep 2`);
  await answers(sharers);
  await lab().run("sleep 1; kill $(cat /tmp/tcpdump.pid); sleep 1");
  const seen = await lab().run("tcpdump -r /tmp/seen.pcap -n -e 2>/dev/null");
  const mac = /00:16:3e(?::[0-9a-f]{2}){3}/.exec(await lab().run(`xl network-list ${guest.name}`))?.[0] ?? "";
  const lines = seen.split("\n");
  const replies = lines.filter((line) => line.includes(`Reply ${address} is-at`));
  const requests = lines.filter((line) => line.includes(`who-has ${address} tell ${OUTSIDE}`));
  assert.ok(
    requests.length > 0 && replies.length === requests.length,
    `${requests.length} asked, ${replies.length} answered`,
  );
  assert.ok(replies.every((line) => line.includes(`is-at ${mac}`)));
  const from = lines.filter((line) => line.includes(` ${address}.`) && line.includes(`> ${OUTSIDE}.`));
  assert.ok(from.length > 10 && from.every((line) => line.includes(`${mac} >`)), seen);
  const known = await lab().run(`bridge fdb | grep -i ${mac}`);
  assert.ok(known.trim().split("\n").every((line) => /dev kf[0-9a-f]{12} .*sticky/.test(line)), known); // prettier-ignore
  await ended(sharers, forkd);
  await forkd.end();
});

test("new connections are shared, a named owner goes before, and forged frames go nowhere", limit, async () => {
  await outsideExists();
  await using forkd = await startForkd(lab());
  const sharers = await bootSharers(forkd, "2");
  await using guest = sharers.guest;
  assert.doesNotMatch(guest.console.text, /in use by another/);
  const { address, ports } = sharers;
  const port = ports.get(2)?.tcp ?? 0;
  // Who does not listen there refuses: so it shows where each connection goes, and forkd's hash is compared with the kernel's.
  await steer(`acceptors tcp ${port} 2,3`);
  const connections = async (from: number, count: number): Promise<string[]> =>
    (await steer(`connect ${from} ${count} tcp ${SERVER} 0 ${address} ${port}`)).trim().split("\n");
  const outcomes = await connections(20_000, 24);
  const ofProcess = (pid: number): string[] => outcomes.filter((line) => line.split(" ")[1] === String(pid));
  assert.ok(ofProcess(2).length > 2 && ofProcess(2).every((line) => line.endsWith(" process 2")), outcomes.join("\n"));
  assert.ok(
    ofProcess(3).length > 2 && ofProcess(3).every((line) => line.endsWith(" ECONNREFUSED")),
    outcomes.join("\n"),
  );
  assert.equal(ofProcess(2).length + ofProcess(3).length, 24);
  const [refused = ""] = ofProcess(3)[0]?.split(" ") ?? [];
  await steer(`owner tcp ${SERVER} ${refused} ${address} ${port} 2`);
  assert.deepEqual(await connections(Number(refused), 1), [`${refused} 2 process 2`]);
  await steer(`acceptors tcp ${port}`);
  await answers(sharers);
  // From now on the family's real address is a forged one, for each of its members.
  await steer("addresses 10.0.2.99");
  assert.notEqual((await lab().sh(`ping -c 2 -W 2 ${address}`)).status, 0);
  for (const { tcp } of ports.values()) {
    assert.equal((await lab().sh(`nc -w 2 ${address} ${tcp} </dev/null`)).stdout, "");
  }
  await steer(`addresses ${address}`);
  await answers(sharers);
  await ended(sharers, forkd);
  await forkd.end();
});

test(
  "forkd comes and goes, members end, and the others are served; nothing is left of a family that has ended",
  limit,
  async () => {
    await outsideExists();
    const before = await lab().run("ls /sys/class/net | grep -v vif");
    await using first = await startForkd(lab());
    const sharers = await bootSharers(first, "2");
    await using guest = sharers.guest;
    await first.end("KILL");
    await answers(sharers);
    await using second = await startForkd(lab());
    await second.output.waitFor(new RegExp(`${guest.name}-3 is process`), ANSWER_MS);
    await answers(sharers);
    await lab().run(`xl destroy ${guest.name}-2`);
    await second.output.waitFor(/process 2, .*ended/, ANSWER_MS);
    const left = { ...sharers, ports: new Map([...sharers.ports].filter(([pid]) => pid === 3)) };
    await answers(left);
    // What was the ended one's is refused at once by who leads.
    const refused = await lab().sh(`nc -w 10 ${sharers.address} ${sharers.ports.get(2)?.tcp} </dev/null`);
    assert.match(refused.stderr, /refused/);
    // The eldest that is left leads: it answers for the address.
    await lab().run(`xl destroy ${guest.name}`);
    await second.output.waitFor(/process 1, .*ended/, ANSWER_MS);
    await lab().run("ip neigh flush all; ip netns exec outside ip neigh flush all");
    await client(`ping -c 2 -W 5 ${sharers.address}`, true);
    await second.end("KILL");
    await lab().run(`for d in $(xl list | awk '/^${guest.name}/ {print $1}'); do xl destroy $d; done`);
    await using third = await startForkd(lab());
    assert.equal(await lab().run("ls /sys/class/net | grep -v vif"), before);
    await third.end();
  },
);
