// Run in dom0 by datagram_workers.test.ts: "<address> <port> <clients>": so many clients, each from a port of its own, ask twice, and again when no
// answer comes; prints for each what it was answered.
import { createSocket } from "node:dgram";
import { once } from "node:events";

const AGAIN_MS = 1000;
const ATTEMPTS = 20;

const [, , address = "", port = "", clients = ""] = process.argv;

async function client(): Promise<string> {
  const socket = createSocket("udp4");
  socket.bind(0);
  await once(socket, "listening");
  const answers: string[] = [];
  for (let asked = 0; asked < 2; asked++) answers.push(await ask(socket));
  socket.close();
  return answers.join(", ");
}

async function ask(socket: ReturnType<typeof createSocket>): Promise<string> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    socket.send("who", Number(port), address);
    try {
      const [message] = (await once(socket, "message", { signal: AbortSignal.timeout(AGAIN_MS) })) as [Buffer];
      return message.toString().trim();
    } catch {
      // It is lost, or late.
    }
  }
  return "nothing";
}

const lines = await Promise.all(Array.from({ length: Number(clients) }, client));
process.stdout.write(`${lines.join("\n")}\n`);
