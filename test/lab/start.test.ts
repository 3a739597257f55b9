// `npm start` as its user has it: an URL that answers, and Ctrl-C, which a terminal sends to the whole process group, ends all of it
// in order.
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { START_TIMEOUT_MS } from "./support.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const END_MS = 20_000;
const POLL_MS = 50;

test("the demo answers, and Ctrl-C takes all of it down", { timeout: START_TIMEOUT_MS }, async () => {
  // A group of its own, as a shell gives to each command; without `npm install`, which comes before it otherwise.
  const child = spawn("npm", ["run", "--ignore-scripts", "start"], {
    cwd: ROOT,
    env: { ...process.env, KARYON_HOST: "lab" },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const group = -(child.pid ?? NaN);
  const exited = once(child, "exit", { signal: AbortSignal.timeout(START_TIMEOUT_MS) });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (said += stripVTControlCharacters(text)));
  }
  try {
    const url = await until(child, () => /http:\/\/127\.0\.0\.1:\d+\//.exec(said)?.[0]);
    assert.equal((await fetch(url)).status, 200);
    const machine = await until(child, () => machineOf(child.pid ?? NaN));
    assert.notEqual(
      await groupOf(machine),
      -group,
      "Ctrl-C would reach the machine, which may then be gone before it is asked to go",
    );
    process.kill(group, "SIGINT");
    const [status, signal] = (await Promise.race([exited, delay(END_MS, ["no end"])])) as [number | string, string];
    assert.ok(status === 0 || signal === "SIGINT", `it ended with ${status ?? signal}`); // npm ends by the signal, too
    assert.match(said, /all taken down/);
    assert.doesNotMatch(said, /ERROR|WARN/);
    assert.equal(await commandLine(machine), undefined, "the machine has gone");
  } catch (error) {
    throw new Error(said, { cause: error });
  } finally {
    if (child.exitCode === null && child.signalCode === null) process.kill(group, "SIGKILL");
  }
});

/** Waits for what `look` is looking for, while the process lives. */
async function until<T>(child: ChildProcess, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    assert.equal(child.exitCode, null, "npm start has ended");
    await delay(POLL_MS);
  }
}

/** The QEMU among a process and its descendants. */
async function machineOf(pid: number): Promise<number | undefined> {
  if ((await commandLine(pid))?.split("\0")[0]?.includes("qemu-system") === true) return pid;
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "latin1");
  for (const child of children.match(/\d+/g) ?? []) {
    const found = await machineOf(Number(child));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A process's command line; undefined when there is no such process. */
async function commandLine(pid: number): Promise<string | undefined> {
  return readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => undefined);
}

/** A process's group. */
async function groupOf(pid: number): Promise<number> {
  return Number((await readFile(`/proc/${pid}/stat`, "latin1")).replace(/^.*\) /, "").split(" ")[2]);
}
