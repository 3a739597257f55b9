// Run in dom0 by one_address.test.ts: changes how a family's frames are steered, as forkd does when its members ask for it.
//   acceptors tcp|udp <port> <pid>,<pid>…    owner tcp|udp <remote> <port> <local> <port> <pid>    addresses <address>…
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

const [, , what = "", ...words] = process.argv;
const kernel = { links: new Links(), tables: new Tables() };
const name = kernel.links.all().find((link) => NAME.test(link.name))?.name ?? "";
const network = FamilyNetwork.find(kernel, name, Buffer.alloc(6));
if (network === undefined) throw new Error("no family has a network");
if (what === "acceptors") {
  const pids = (words[2] ?? "").split(",").filter((pid) => pid !== "");
  const acceptors = pids.map((pid) => ({ pid: Number(pid), weight: 1 }));
  network.setAcceptors(protocolOf(words[0]), Number(words[1]), acceptors, []);
} else if (what === "owner") network.setOwner(flowOf(words), Number(words[5]));
else if (what === "addresses") network.addresses.set(words.map(bytesOf));
else if (what === "connect") {
  const [from, count] = words.map(Number);
  for (let port = from ?? 0; port < (from ?? 0) + (count ?? 0); port++) {
    const flow = { ...flowOf(words.slice(2)), remotePort: port };
    const owner = network.ownerOf(flow) ?? network.newOwnerOf(flow);
    process.stdout.write(`${port} ${owner} ${await answerTo(port, words[5] ?? "", flow.localPort)}\n`);
  }
} else throw new Error(`what is ${what}?`);
