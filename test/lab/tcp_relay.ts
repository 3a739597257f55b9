// Runs in domain 0: `tcp_relay <port> <address> <port>`. Who connects to the first port is connected with the address behind it, by Linux's own
// TCP; the end of one connection is at once the end of the other. For clients on the host, whose way into the lab is a TCP that knows
// no challenge ACK (RFC 5961) and so does not hear of resets that come that way.
import { connect, createServer } from "node:net";

const [, , port, address, target] = process.argv;

createServer((near) => {
  const far = connect(Number(target), address);
  for (const socket of [near, far]) {
    socket.setNoDelay();
    socket.on("error", () => undefined);
  }
  near.on("data", (bytes) => far.write(bytes)).on("close", () => far.destroy());
  far.on("data", (bytes) => near.write(bytes)).on("close", () => near.destroySoon());
}).listen(Number(port), () => process.stdout.write("relays\n"));
