// Run in dom0 by one_address.test.ts: sends a datagram to "<address> <port>…", asks again for a while, and prints the answers, a line each.
import { createSocket } from "node:dgram";

const AGAIN_MS = 500;
const TIMEOUT_MS = 10_000;

function answerTo(host: string, port: number): Promise<string> {
  return new Promise((done) => {
    const socket = createSocket("udp4");
    const ask = (): void => socket.send("who", port, host);
    const asking = setInterval(ask, AGAIN_MS);
    const end = (text: string): void => {
      clearInterval(asking);
      clearTimeout(ending);
      socket.close();
      done(text);
    };
    const ending = setTimeout(() => end("nothing"), TIMEOUT_MS);
    socket.once("message", (message) => end(message.toString().trim()));
    ask();
  });
}

const [, , host = "", ...ports] = process.argv;
for (const port of ports) process.stdout.write(`${await answerTo(host, Number(port))}\n`);
