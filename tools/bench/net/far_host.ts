// A host behind a bad link: a network namespace of the lab's dom0, whose frames reach the guests' bridge over a bridge of its own.
//
//   guests – xenbr0 – near0 | near1 – far-link – far0 | eth0 of the namespace "far"
//
// What leaves by near1 goes through one netem, what leaves by far0 through another: each direction is delayed and loses frames for
// itself. No device on the way takes frames for segmentation, so near0 cuts what guests send large before it can be lost, and what is
// lost is a frame as on a wire, not 64 KiB at once. The netem of Linux 6.1 takes no seed: it is by many losses that runs are alike.
import type { Lab } from "../../lab/lab.ts";

const NAMESPACE = "far";
const ADDRESS = "10.0.2.99";
/** Frames that netem holds: more than a connection has under way. */
const LIMIT = 10_000;

const NO_OFFLOAD = "tso off gso off sg off tx off";

/** Makes the host; `netem` is what happens to frames on the way, in each direction: "delay 10ms loss 1%". */
export async function makeFarHost(lab: Lab, netem: string): Promise<void> {
  const commands = [
    `ip netns add ${NAMESPACE}`,
    "ip link add far-link type bridge forward_delay 0",
    "ip link add near0 type veth peer name near1",
    `ip link add far0 type veth peer name eth0 netns ${NAMESPACE}`,
    ...["near0", "near1", "far0"].map((device) => `ethtool -K ${device} ${NO_OFFLOAD}`),
    farCommand(`ethtool -K eth0 ${NO_OFFLOAD}`),
    "ip link set near0 master xenbr0 up",
    "ip link set near1 master far-link up",
    "ip link set far0 master far-link up",
    "ip link set far-link up",
    ...["near1", "far0"].map((device) => `tc qdisc replace dev ${device} root netem limit ${LIMIT} ${netem}`),
    `ip -n ${NAMESPACE} addr add ${ADDRESS}/24 dev eth0`,
    `ip -n ${NAMESPACE} link set eth0 up`,
  ];
  await lab.run(`{ ${commands.join(" && ")}; } >/dev/null`);
}

/** `command` as a program of that host. */
export function farCommand(command: string): string {
  return `ip netns exec ${NAMESPACE} ${command}`;
}
