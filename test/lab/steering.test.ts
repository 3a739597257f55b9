// The rules of a family in dom0's kernel, frame by frame: two ports of the bridge, with a network namespace behind each, stand for the interfaces
// of two processes, so that any frame can be sent, and seen where it arrives. What guests do is in one_address.test.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { pushProgram } from "../../tools/lab/forkd.ts";
import { useLab } from "./support.ts";

const limit = { timeout: 300_000 };
const COMMAND_MS = 60_000;
const STEER = fileURLToPath(new URL("steer.ts", import.meta.url));
const SEND = fileURLToPath(new URL("send.ts", import.meta.url));
const FAMILY = "kf0123456789ab";
const MAC = "00:16:3e:5a:5a:5a";
const IPV4 = "10.0.2.60";
const IPV6 = "fd00:10::60";
const [HOST4, HOST6] = ["10.0.2.15", "fd00:10::15"];
const PIDS = [1, 2] as const;
/** Not the family's. */
const [STRANGER4, STRANGER6, STRANGER_MAC] = ["10.0.2.61", "fd00:10::61", "00:16:3e:00:00:61"];

const lab = useLab();

function run(command: string): Promise<string> {
  return lab().run(command, { timeoutMs: COMMAND_MS });
}

function member(pid: number, command: string): string {
  return `ip netns exec m${pid} ${command}`;
}

async function steer(command: string): Promise<string> {
  return run(`node ${await pushProgram(lab(), STEER)} ${command}`);
}

async function send(command: string): Promise<string> {
  return `node ${await pushProgram(lab(), SEND)} ${command}`;
}

/** Gives a member's interface an Ethernet address and IP addresses. */
function addressed(pid: number, mac: string, ipv4: string, ipv6: string): Promise<string> {
  const device = `dev p${pid}`;
  const commands = [
    `ip link set p${pid} down`,
    `ip addr flush ${device}`,
    `ip link set p${pid} address ${mac}`,
    `ip addr add ${ipv4}/24 ${device}`,
    `ip link set p${pid} up`,
    `ip -6 addr add ${ipv6}/64 ${device} nodad`,
    `ip neigh flush ${device}`,
  ];
  return run(commands.map((command) => member(pid, command)).join(" && "));
}

let made = false;

/** Two processes, the first leads. */
async function familyExists(): Promise<void> {
  if (made) return;
  made = true;
  for (const pid of PIDS) {
    const commands = [
      `ip netns add m${pid}`,
      `ip link add v${pid} type veth peer name p${pid}`,
      `ip link set p${pid} netns m${pid}`,
      `ip link set v${pid} master xenbr0 up`,
      member(pid, "ip link set lo up"),
      // Its own solicitations would come before what is looked for.
      member(pid, `sh -c "echo 0 > /proc/sys/net/ipv6/conf/p${pid}/router_solicitations"`),
    ];
    await run(commands.join(" && "));
    await addressed(pid, MAC, IPV4, IPV6);
  }
  await run(`ip -6 addr add ${HOST6}/64 dev xenbr0 nodad; ip neigh flush all`);
  await steer(`make ${FAMILY} ${MAC} ${IPV4},${IPV6} ${PIDS.map((pid) => `v${pid}`).join(" ")}`);
  await run(`ping -c 1 -W 5 ${IPV4} && ping6 -c 1 -W 5 ${IPV6}`);
}

/** What arrives at each member, and at domain 0's own interface (0), while `work` runs: lines of tcpdump's. */
async function seenBy(filter: string, work: () => Promise<unknown>): Promise<ReadonlyMap<number, readonly string[]>> {
  const places = [0, ...PIDS];
  const capture = (pid: number): string => {
    const tcpdump = `tcpdump -i ${pid === 0 ? "xenbr0" : `p${pid}`} -Q in -n -l --immediate-mode '${filter}'`;
    const quiet = `>/tmp/seen-${pid} 2>/tmp/seen-${pid}.err & echo $! >/tmp/seen-${pid}.pid`;
    return pid === 0 ? `${tcpdump} ${quiet}` : `${member(pid, tcpdump)} ${quiet}`;
  };
  const listening = (pid: number): string => `until grep -q 'listening on' /tmp/seen-${pid}.err; do usleep 20000; done`;
  await run(`${places.map(capture).join("; ")}; ${places.map(listening).join("; ")}`);
  try {
    await work();
    await run("sleep 1");
  } finally {
    await run(`kill ${places.map((pid) => `$(cat /tmp/seen-${pid}.pid)`).join(" ")}; sleep 0.2`);
  }
  const lines = async (pid: number): Promise<string[]> =>
    (await run(`cat /tmp/seen-${pid}`)).split("\n").filter((line) => line !== "");
  return new Map(await Promise.all(places.map(async (pid) => [pid, await lines(pid)] as const)));
}

/** By the last number in "<address>.<port> >" of each line: who got what came from these ports. */
function portsOf(lines: readonly string[] = []): number[] {
  return lines.map((line) => Number(/\.(\d+) > /.exec(line)?.[1])).sort((a, b) => a - b);
}

for (const [version, host, local] of [
  [4, HOST4, IPV4],
  [6, HOST6, IPV6],
] as const) {
  test(
    `IPv${version}: named owners first, shared ports by slots as forkd computes them, else the leader`,
    limit,
    async () => {
      await familyExists();
      const [from, count, port] = [20_000, 32, 7000];
      await steer(`acceptors udp ${port} 1,2`);
      const text = await steer(`owners ${from} ${count} udp ${host} 0 ${local} ${port}`);
      const expected = text.trim().split("\n").map((line) => line.split(" ").map(Number)); // prettier-ignore
      const ofSlots = (pid: number): number[] =>
        expected.filter(([, owner]) => owner === pid).map(([each = 0]) => each);
      assert.ok(ofSlots(1).length > 4 && ofSlots(2).length > 4, text);
      const sent = await send(`${host} ${from} ${count} ${local} ${port} 10`);
      const shared = await seenBy(`udp dst port ${port}`, () => run(sent));
      for (const pid of PIDS) assert.deepEqual(portsOf(shared.get(pid)), ofSlots(pid));
      const named = ofSlots(1)[0] ?? 0;
      await steer(`owner udp ${host} ${named} ${local} ${port} 2`);
      const after = await seenBy(`udp dst port ${port}`, () => run(sent));
      assert.deepEqual(portsOf(after.get(2)), [...ofSlots(2), named].sort((a, b) => a - b)); // prettier-ignore
      await steer(`acceptors udp ${port}`);
      const unshared = await seenBy(`udp dst port ${port}`, () => run(sent));
      assert.equal(unshared.get(1)?.length, count - 1);
      assert.deepEqual(portsOf(unshared.get(2)), [named]);
    },
  );

  test(
    `IPv${version}: an error goes to whose flow it quotes, and to the leader when it is nobody's`,
    limit,
    async () => {
      await familyExists();
      const closed = 9;
      await steer(`owner udp ${host} ${closed} ${local} 5555 2`);
      const filter = version === 4 ? "icmp[icmptype] == icmp-unreach" : "icmp6 and ip6[40] == 1";
      for (const [port, pid] of [
        [5555, 2],
        [5556, 1],
      ] as const) {
        const sent = member(2, await send(`${local} ${port} 1 ${host} ${closed} 10`));
        const errors = await seenBy(filter, () => run(sent));
        assert.equal(errors.get(pid)?.length, 1, `${port}: ${JSON.stringify([...errors])}`);
        assert.equal(errors.get(3 - pid)?.length, 0, `${port}: ${JSON.stringify([...errors])}`);
      }
    },
  );

  test(`IPv${version}: fragments stay together: the leader's, whosever the flow is`, limit, async () => {
    await familyExists();
    await steer(`owner udp ${host} 5600 ${local} 7600 2`);
    const sent = await send(`${host} 5600 1 ${local} 7600 4000`);
    const filter = version === 4 ? "ip proto 17 and greater 60" : "ip6[6] == 44";
    const fragments = await seenBy(filter, () => run(sent));
    assert.ok((fragments.get(1)?.length ?? 0) >= 3, JSON.stringify([...fragments]));
    assert.equal(fragments.get(2)?.length, 0);
  });
}

test("a member that forges its Ethernet or IP address is not heard", limit, async () => {
  await familyExists();
  const filter = "(icmp or icmp6 or arp) and not ether src 00:00:00:00:00:00";
  // What comes late of a process's own address, such as an answer to a neighbour that asks, is no forgery.
  const speak = (pid: number, [mac, ipv4, ipv6]: readonly [string, string, string]): Promise<unknown> =>
    seenBy(`${filter} and ether src ${mac}`, async () => {
      await addressed(pid, mac, ipv4, ipv6);
      await lab().sh(member(pid, `ping -c 2 -W 1 -I ${ipv4} ${HOST4}`), { timeoutMs: COMMAND_MS });
      await lab().sh(member(pid, `ping6 -c 2 -W 1 ${HOST6}`), { timeoutMs: COMMAND_MS });
    }).then((seen) =>
      (seen.get(0) ?? []).filter((line) => !line.includes(HOST4 + " >") && !line.includes(HOST6 + " >")),
    );
  for (const pid of [2, 1]) {
    assert.notDeepEqual(await speak(pid, [MAC, IPV4, IPV6]), [], "as itself it is heard");
    assert.deepEqual(
      await speak(pid, [STRANGER_MAC, IPV4, IPV6]),
      [],
      `process ${pid} with another's Ethernet address`,
    );
    const asStranger = (await speak(pid, [MAC, STRANGER4, STRANGER6])) as string[];
    // Link-local addresses end with what the family's Ethernet address makes of them: those are its own.
    assert.deepEqual(asStranger.filter((line) => line.includes(STRANGER4) || line.includes(STRANGER6)), []); // prettier-ignore
    await addressed(pid, MAC, IPV4, IPV6);
  }
});
