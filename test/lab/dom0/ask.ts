// Runs in domain 0: `ask <address> <port> <text> <times> <connections>` connects so often at once, sends the text so often as `times` says and the end of it, and prints what
// has come until the other's end: a line of JSON for each connection.
import { createHash } from "node:crypto";
import { connect } from "node:net";
import { buffer } from "node:stream/consumers";

const [, , address = "", port = "", text = "", times = "1", connections = "1"] = process.argv;
const PATIENCE_MS = 60_000;
const HEAD = 400;

async function ask(): Promise<void> {
  const socket = connect({ host: address, port: Number(port), allowHalfOpen: true });
  socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error("no answer")));
  socket.end(text.repeat(Number(times)));
  const all = await buffer(socket);
  const sha256 = createHash("sha256").update(all).digest("hex");
  process.stdout.write(`${JSON.stringify({ length: all.length, sha256, head: all.toString("latin1", 0, HEAD) })}\n`);
}

await Promise.all(Array.from({ length: Number(connections) }, ask));
