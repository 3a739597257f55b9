// The other end of test/apps/echo on Linux: sends random bytes and compares what comes back, both at the same time.
//   node echo_peer.mjs connect <address> <port> <bytes>
//   node echo_peer.mjs listen <port> <bytes>
// Prints "same <bytes>" and exits with 0 when everything came back.
import { createHash, randomFillSync } from "node:crypto";
import { connect, createServer, type Socket } from "node:net";

const CHUNK = 65536;

function exchange(socket: Socket, bytes: number): void {
  const sent = createHash("sha256");
  const received = createHash("sha256");
  let left = bytes;
  let returned = 0;
  const more = (): void => {
    while (left > 0) {
      const chunk = randomFillSync(Buffer.allocUnsafe(Math.min(left, CHUNK)));
      sent.update(chunk);
      left -= chunk.length;
      if (!socket.write(chunk)) return;
    }
    socket.end();
  };
  socket.on("drain", more);
  socket.on("data", (chunk: Buffer) => {
    received.update(chunk);
    returned += chunk.length;
  });
  socket.on("error", (error) => {
    console.log(String(error));
    process.exit(1);
  });
  socket.on("close", () => {
    const same = returned === bytes && sent.digest("hex") === received.digest("hex");
    console.log(`${same ? "same" : "different"} ${returned}`);
    process.exit(same ? 0 : 1);
  });
  more();
}

const [how, ...rest] = process.argv.slice(2);
if (how === "connect") {
  const [host, port, bytes] = rest;
  const options = { host: host ?? "", port: Number(port), allowHalfOpen: true };
  const socket = connect(options, () => exchange(socket, Number(bytes)));
} else {
  const [port, bytes] = rest;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    server.close();
    exchange(socket, Number(bytes));
  });
  server.listen(Number(port), () => console.log("listening"));
}
