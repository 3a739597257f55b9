// Runs in domain 0: HTTP clients against an appliance. `http_load <address> <port> <clients> <connections> <requests> [<path>] [<pause ms>]`:
// so many clients at a time, so many connections in all, with so many requests each, one after the other. Prints JSON: how many
// requests were answered 200, the errors, the SHA-256 sums of the bodies, each once, and how long (ms) the request took that took longest. A request that meets the end of a connection
// which has been used before is sent once more on a new one, as all clients do it (RFC 9112, section 9.5): a server may close a connection at
// rest at any time.
import { createHash } from "node:crypto";
import { Agent, get } from "node:http";

const [, , address = "", port = "80", clients = "1", connections = "1", requests = "1", path = "/", pause = "0"] =
  process.argv;
const TIMEOUT_MS = 60_000;

const errors: string[] = [];
let answered = 0;
let begun = 0;
let slowest = 0;
const sums = new Set<string>();

function request(agent: Agent): Promise<void> {
  return new Promise((resolve) => {
    const failed = (error: Error): void => {
      errors.push(error.message);
      resolve();
    };
    const sent = get({ host: address, port: Number(port), path, agent, timeout: TIMEOUT_MS }, (response) => {
      const sum = createHash("sha256");
      response.on("error", failed).on("data", (part: Buffer) => sum.update(part));
      response.on("end", () => {
        if (response.statusCode === 200) answered++;
        else errors.push(`status ${response.statusCode}`);
        sums.add(sum.digest("hex"));
        resolve();
      });
    });
    let answers = false;
    sent.on("response", () => void (answers = true));
    sent.on("timeout", () => sent.destroy(new Error("no answer for a minute")));
    sent.on("error", (error: NodeJS.ErrnoException) => {
      if (sent.reusedSocket && error.code === "ECONNRESET" && !answers) void request(agent).then(resolve);
      else failed(error);
    });
  });
}

async function client(): Promise<void> {
  while (begun++ < Number(connections)) {
    const agent = new Agent({ keepAlive: Number(requests) > 1, maxSockets: 1 });
    for (let i = 0; i < Number(requests); i++) {
      const sent = performance.now();
      await request(agent);
      slowest = Math.max(slowest, performance.now() - sent);
      if (Number(pause) > 0) await new Promise((resolve) => setTimeout(resolve, Number(pause)));
    }
    agent.destroy();
  }
}

await Promise.all(Array.from({ length: Number(clients) }, client));
process.stdout.write(`${JSON.stringify({ answered, errors, sums: [...sums], slowest })}\n`);
