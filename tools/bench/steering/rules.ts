// Run in dom0 by steering.ts: makes the network of a family of one around a guest's interface, with forkd's own code, and fills its maps.
//   make <interface> <MAC> <address>                 rules of a family whose only member is there
//   share <port>                                     TCP to the port goes by slots
//   name <from> <count> <remote> <local> <port>      owners of TCP flows from remote ports <from> …, a transaction each; prints the median µs of one
//   forget <from> <count> <remote> <local> <port>    the opposite
import { Links } from "../../forkd/netlink/links.ts";
import { Tables } from "../../forkd/netlink/nftables.ts";
import { addressBytes } from "../../forkd/steering/address_text.ts";
import { FamilyNetwork } from "../../forkd/steering/family_network.ts";
import { TCP, type Flow } from "../../forkd/steering/flow.ts";
import { KaryonError } from "../../support/errors.ts";
import { spread } from "../spread.ts";

const NAME = "kfbench";
const PID = 1;
const NS_PER_US = 1000;

const [, , what = "", ...words] = process.argv;
const kernel = { links: new Links(), tables: new Tables() };
if (what === "make") await make(words);
else if (what === "share") found().setAcceptors(TCP, Number(words[0]), [{ pid: PID, weight: 1 }], []);
else if (what === "name") process.stdout.write(`${each(words, (network, flow) => network.setOwner(flow, PID))}\n`);
else if (what === "forget") each(words, (network, flow) => network.dropOwner(flow));
else throw new KaryonError("BENCH_RULES", `"${what}" is none of make, share, name, forget`);

async function make([interfaceName = "", mac = "", address]: readonly string[]): Promise<void> {
  const link = kernel.links.find(interfaceName);
  if (link === undefined) throw new KaryonError("BENCH_RULES", `there is no interface ${interfaceName}`);
  const network = await FamilyNetwork.create(kernel, NAME, Buffer.from(mac.replaceAll(":", ""), "hex"), link);
  network.addMember(PID, link);
  network.setLeader(PID);
  network.addresses.set([bytesOf(address)]);
}

function found(): FamilyNetwork {
  const network = FamilyNetwork.find(kernel, NAME, Buffer.alloc(6));
  if (network === undefined) throw new KaryonError("BENCH_RULES", "the rules have not been made");
  return network;
}

/** Does it for each flow; the median of what one took, in µs. */
function each(
  [from, count, remote, local, port]: readonly string[],
  work: (network: FamilyNetwork, flow: Flow) => void,
): number {
  const network = found();
  const ends = { remote: bytesOf(remote), local: bytesOf(local), localPort: Number(port) };
  const times = Array.from({ length: Number(count) }, (_, i) => {
    const begin = process.hrtime.bigint();
    work(network, { protocol: TCP, ...ends, remotePort: Number(from) + i });
    return Number(process.hrtime.bigint() - begin) / NS_PER_US;
  });
  return spread(times).median;
}

function bytesOf(text: string | undefined): Buffer {
  const bytes = addressBytes(text ?? "");
  if (bytes === undefined) throw new KaryonError("BENCH_RULES", `${text} is no address`);
  return bytes;
}
