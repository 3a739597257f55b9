// Runs in domain 0: HTTP clients against an appliance. `http_load <LoadOrder as JSON>`. Prints JSON: how many
// requests were answered 200, the errors, the SHA-256 sums of the bodies, each once, and how long (ms) the request took that took longest. A request that meets the end of a connection
// which has been used before is sent once more on a new one, as all clients do it (RFC 9112, section 9.5): a server may close a connection at
// rest at any time.
import { createHash } from "node:crypto";
import { Agent, get } from "node:http";
import type { LoadOrder } from "./servers_support.ts";

const order = JSON.parse(process.argv[2] ?? "{}") as LoadOrder;
const { address, clients, connections, requests, path, pauseMs, together, patienceMs } = order;

const errors: string[] = [];
let answered = 0;
let begun = 0;
let ended = 0;
let slowest = 0;
const sums = new Set<string>();

function request(agent: Agent): Promise<void> {
  return new Promise((resolve) => {
    const failed = (error: Error): void => {
      errors.push(`${error.message} (port ${sent.socket?.localPort})`);
      resolve();
    };
    const sent = get({ host: address, port: 80, path, agent, timeout: patienceMs }, (response) => {
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
    sent.on("timeout", () => sent.destroy(new Error(`no answer for ${patienceMs / 1000} s`)));
    sent.on("error", (error: NodeJS.ErrnoException) => {
      if (sent.reusedSocket && error.code === "ECONNRESET" && !answers) void request(agent).then(resolve);
      else failed(error);
    });
  });
}

/** Says now and then how far it is: a long run is not silent. */
function tell(done: number): void {
  const step = Math.max(100, Math.ceil(connections / 100));
  if (done % step !== 0) return;
  const seconds = Math.round(performance.now() / 1000);
  process.stderr.write(`${done} of ${connections} connections, ${errors.length} errors, ${seconds} s\n`);
}

/** Who has had a first answer in each turn of `clients` connections, and who waits for the others. */
const turns: { met: number; goOn: () => void; all: Promise<void> }[] = [];

/** Returns when each connection of connection number `begin`'s turn has had its first answer. */
function meet(begin: number): Promise<void> {
  const turn = Math.floor(begin / clients);
  while (turns.length <= turn) {
    let goOn = (): void => undefined;
    const all = new Promise<void>((resolve) => (goOn = resolve));
    turns.push({ met: 0, goOn, all });
  }
  const here = turns[turn];
  if (here === undefined) return Promise.resolve();
  here.met++;
  if (here.met === Math.min(clients, connections - turn * clients)) here.goOn();
  return here.all;
}

async function client(): Promise<void> {
  for (let number = begun++; number < connections; number = begun++) {
    // The kernel's keep-alive would end a connection that hears nothing for ten seconds; an emulated host may be as busy as that.
    const agent = new Agent({ keepAlive: requests > 1, keepAliveMsecs: patienceMs, maxSockets: 1 });
    for (let i = 0; i < requests; i++) {
      const sent = performance.now();
      await request(agent);
      slowest = Math.max(slowest, performance.now() - sent);
      if (together && i === 0) await meet(number);
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    agent.destroy();
    tell(++ended);
  }
}

await Promise.all(Array.from({ length: clients }, client));
process.stdout.write(`${JSON.stringify({ answered, errors, sums: [...sums], slowest })}\n`);
