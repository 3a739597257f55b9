// Run in dom0 by one_address.test.ts and steering.test.ts: changes how a family's frames are steered, as forkd does when its members ask for it.
//   acceptors tcp|udp <port> <pid>,<pid>…    owner tcp|udp <remote> <port> <local> <port> <pid>    addresses <address>…
//   make <kf…> <MAC> <address>,<address>… <interface>…: a network of a family whose processes are behind these
//   owners <from> <count> tcp|udp <remote> 0 <local> <port>: a line for each remote port, of it and of the process whose that flow is
//   connect <from> <count> tcp <own address> 0 <address> <port>: connects from ports <from> …, one after the other; a line for each of
//   the port, of the process to which forkd takes the connection to go, and of what came: an answer or an error
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { Links } from "../../tools/forkd/netlink/links.ts";
import { Tables } from "../../tools/forkd/netlink/nftables.ts";
import { addressBytes } from "../../tools/forkd/steering/address_text.ts";
import { FamilyNetwork } from "../../tools/forkd/steering/family_network.ts";
import { TCP, UDP, type Flow, type Protocol } from "../../tools/forkd/steering/flow.ts";

const TIMEOUT_MS = 10_000;
const NAME = /^kf[0-9a-f]{12}$/;

function protocolOf(text: string | undefined): Protocol {
  return text === "udp" ? UDP : TCP;
}

function bytesOf(text: string | undefined): Buffer {
  const bytes = addressBytes(text ?? "");
  if (bytes === undefined) throw new Error(`${text} is no address`);
  return bytes;
}

function flowOf([protocol, remote, remotePort, local, localPort]: readonly string[]): Flow {
  const ends = { remote: bytesOf(remote), local: bytesOf(local) };
  return { protocol: protocolOf(protocol), ...ends, remotePort: Number(remotePort), localPort: Number(localPort) };
}

async function answerTo(localPort: number, host: string, port: number): Promise<string> {
  const socket = connect({ host, port, localPort });
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error("silence")));
  try {
    return (await text(socket)).trim();
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
}

/** Makes a network of a family whose processes 1, 2 … are behind `interfaces`; the first leads. */
async function make([name = "", mac = "", addresses = "", ...interfaces]: readonly string[]): Promise<void> {
  const found = interfaces.map((each) => kernel.links.find(each)).filter((link) => link !== undefined);
  const [first] = found;
  if (first === undefined || found.length !== interfaces.length) throw new Error(`not all there: ${interfaces.join()}`);
  const made = await FamilyNetwork.create(kernel, name, Buffer.from(mac.replaceAll(":", ""), "hex"), first);
  for (const [i, link] of found.entries()) made.addMember(i + 1, link);
  made.setLeader(1);
  made.addresses.set(addresses.split(",").map(bytesOf));
}

function network(): FamilyNetwork {
  const name = kernel.links.all().find((link) => NAME.test(link.name))?.name ?? "";
  const found = FamilyNetwork.find(kernel, name, Buffer.alloc(6));
  if (found === undefined) throw new Error("no family has a network");
  return found;
}

/** The flows from `count` remote ports, and whose each is. */
function owners(words: readonly string[], family: FamilyNetwork): (readonly [flow: Flow, owner: number])[] {
  const [from = 0, count = 0] = words.map(Number);
  return Array.from({ length: count }, (_, i) => {
    const flow = { ...flowOf(words.slice(2)), remotePort: from + i };
    return [flow, family.ownerOf(flow) ?? family.newOwnerOf(flow)] as const;
  });
}

const [, , what = "", ...words] = process.argv;
const kernel = { links: new Links(), tables: new Tables() };
if (what === "make") await make(words);
else if (what === "acceptors") {
  const pids = (words[2] ?? "").split(",").filter((pid) => pid !== "");
  const acceptors = pids.map((pid) => ({ pid: Number(pid), weight: 1 }));
  network().setAcceptors(protocolOf(words[0]), Number(words[1]), acceptors, []);
} else if (what === "owner") network().setOwner(flowOf(words), Number(words[5]));
else if (what === "addresses") network().addresses.set(words.map(bytesOf));
else if (what === "owners") {
  for (const [{ remotePort }, owner] of owners(words, network())) process.stdout.write(`${remotePort} ${owner}\n`);
} else if (what === "connect") {
  for (const [{ remotePort, localPort }, owner] of owners(words, network())) {
    process.stdout.write(`${remotePort} ${owner} ${await answerTo(remotePort, words[5] ?? "", localPort)}\n`);
  }
} else throw new Error(`what is ${what}?`);
