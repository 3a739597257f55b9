// inetd on real Xen: for each connection a domain that executes the service's program, with the connection as standard input and output.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { familyAlone, familyConsoles } from "./family_support.ts";
import { pushProgram, startForkd } from "./forkd_support.ts";
import { boot, useLab } from "./support.ts";

const START_MS = 180_000;
const PATIENCE_MS = 120_000;
const ASK = fileURLToPath(new URL("dom0/ask.ts", import.meta.url));
const [ECHO, DISCARD, DAYTIME, CHARGEN] = [7, 9, 13, 19];
/** More than fits into the buffers on the way. */
const PIECE = "0123456789";
const PIECES = 30_000;
const CLIENTS = 6;
/** A line of chargen is 72 characters and its end. */
const LINE = 74;

/** What a client has got. */
interface Answer {
  readonly length: number;
  readonly sha256: string;
  readonly head: string;
}

const lab = useLab();

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

test("each connection has a program and a domain of its own", { timeout: 6 * START_MS }, async () => {
  await using forkd = await startForkd(lab());
  const options = { extra: ['vif = ["bridge=xenbr0"]'], commandLine: "ip=dhcp fork=16" };
  await using guest = await boot(lab(), "apps/inetd", options);
  try {
    await guest.console.waitFor(/inetd: 4 services/, START_MS);
    const address = await guest.address();
    const program = await pushProgram(lab(), ASK);
    const ask = async (port: number, text: string, times = 1, connections = 1): Promise<Answer[]> => {
      const command = `node ${program} ${address} ${port} '${text}' ${times} ${connections}`;
      const lines = (await lab().run(command, { timeoutMs: PATIENCE_MS })).trim().split("\n");
      return lines.map((line) => JSON.parse(line) as Answer);
    };
    assert.deepEqual(
      (await ask(ECHO, "to and fro")).map(({ head }) => head),
      ["to and fro"],
    );
    const long = PIECE.repeat(PIECES);
    for (const answer of await ask(ECHO, PIECE, PIECES, CLIENTS)) {
      assert.equal(answer.length, long.length);
      assert.equal(answer.sha256, sha256(long));
    }
    const [time] = await ask(DAYTIME, "");
    assert.match(time?.head ?? "", /^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC\n$/);
    const [nothing] = await ask(DISCARD, PIECE, PIECES);
    assert.equal(nothing?.length, 0);
    const [characters] = await ask(CHARGEN, "");
    assert.equal(characters?.length, 1000 * LINE);
    for (const [i, line] of characters.head.split("\r\n").slice(0, 5).entries()) {
      assert.equal(line, Array.from({ length: LINE - 2 }, (_, at) => String.fromCharCode(0x21 + i + at)).join(""));
    }
    await familyAlone(guest);
    await guest.console.waitFor(new RegExp(`(?:[^]*ended: status 0){${4 + CLIENTS}}`), PATIENCE_MS);
    assert.doesNotMatch(guest.console.text, /ended: (?!status 0)/);
    assert.match(guest.console.text, /inetd: \/bin\/echo for [\d.]+:\d+ is process \d+/);
  } catch (error) {
    const children = (await familyConsoles(guest)).slice(1, 4).join("\n");
    const texts = [guest.console.text, children, forkd.output.text].map((part) => part.slice(-5000));
    throw new Error(texts.join("\n---\n"), { cause: error });
  }
});
