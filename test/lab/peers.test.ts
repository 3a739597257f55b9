// The Linux guests that Karyon is measured against: each serves, under the Xen that serves Karyon, what it is there for.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { describe, it } from "node:test";
import { serverGuest } from "../../tools/peers/server_guest.ts";
import { APACHE, MEMCACHED, NGINX, REDIS, type PeerServer } from "../../tools/peers/servers.ts";
import { useLab } from "./support.ts";

const BOOT_MS = 120_000;
const ANSWER_MS = 20_000;
const PAGE = "the same page";

/** What a client says to a server, and what shows that it was understood. */
const CONVERSATIONS: readonly (readonly [server: PeerServer, question: string, answer: RegExp])[] = [
  [NGINX, "GET / HTTP/1.0\r\n\r\n", /^HTTP\/1\.1 200 [^]*Server: nginx[^]*text\/html[^]*\r\n\r\nthe same page$/],
  [APACHE, "GET / HTTP/1.0\r\n\r\n", /^HTTP\/1\.1 200 [^]*Server: Apache[^]*text\/html[^]*\r\n\r\nthe same page$/],
  [REDIS, "SET a 5\r\nINCR a\r\nCONFIG GET save\r\nQUIT\r\n", /^\+OK\r\n:6\r\n\*2\r\n\$4\r\nsave\r\n\$0\r\n\r\n\+OK/],
  [MEMCACHED, "set a 0 0 1\r\n5\r\nget a\r\nquit\r\n", /^STORED\r\nVALUE a 0 1\r\n5\r\nEND\r\n$/],
];

const lab = useLab();

describe("the Linux peers", () => {
  for (const [server, question, answer] of CONVERSATIONS) {
    it(`${server.title} answers`, { timeout: 2 * BOOT_MS }, async () => {
      const cfg = await serverGuest(server, { "index.html": Buffer.from(PAGE) });
      using console = lab().console(`linux-${server.name}`);
      await lab().create(cfg, { timeoutMs: BOOT_MS });
      const [, address = ""] = await console.waitFor(/peer: address ([\d.]+)\s/, BOOT_MS);
      await console.waitFor(/peer: (listening|.*ended)/, BOOT_MS);
      assert.doesNotMatch(console.text, /peer: .*ended/);
      assert.match(await converse(await lab().hostForward(0, address, server.port), question), answer);
      await lab().run(`xl destroy linux-${server.name}`);
    });
  }
});

/** Says `question` to a port of this host; everything that comes until the other side closes. */
function converse(port: number, question: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(question));
    socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error(`no answer after ${JSON.stringify(answer)}`)));
    socket.setEncoding("latin1").on("data", (text) => (answer += text));
    socket.on("end", () => resolve(answer)).on("error", reject);
  });
}
