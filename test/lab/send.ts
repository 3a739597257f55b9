// Run in dom0, or behind a port of its bridge, by steering.test.ts: sends datagrams, from so many ports of its own, one from each.
//   <own address> <from> <count> <address> <port> <bytes>
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";

const [, , own = "", from = "", count = "", address = "", port = "", size = ""] = process.argv;
for (let i = 0; i < Number(count); i++) {
  const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
  // Nobody listens: the answers are what is looked at, elsewhere.
  socket.on("error", () => undefined);
  socket.bind(Number(from) + i, own);
  await once(socket, "listening");
  await new Promise((sent) => socket.send(Buffer.alloc(Number(size)), Number(port), address, sent));
  socket.close();
}
