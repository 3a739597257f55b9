// forkd killed and started again on real Xen: families go on, nobody's end is lost or told twice, no pid comes back, and
// nothing is left of what was half made.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { pushProgram, startForkd, type Forkd } from "./forkd_support.ts";
import { boot, BOOT_TIMEOUT_MS, useLab, type Guest } from "./support.ts";

const TIMEOUT_MS = 500_000;
const ANSWER_MS = 120_000;
const limit = { timeout: TIMEOUT_MS };
const STAY = ['on_poweroff = "preserve"', 'on_crash = "preserve"'];

const LIST_CHILDREN = fileURLToPath(new URL("dom0/list_children.ts", import.meta.url));
/** Whose names take 13 893 bytes; one answer of xenstored has 4096. */
const CHILDREN = 3000;

const lab = useLab();

async function bootForker(forkd: Forkd, what: string): Promise<Guest> {
  const guest = await boot(lab(), "test/apps/forker", { commandLine: `ip=off fork=4 -- ${what}`, extra: STAY });
  await guest.console.waitFor(/ready/, BOOT_TIMEOUT_MS);
  await serves(forkd, guest.name);
  return guest;
}

async function serves(forkd: Forkd, name: string): Promise<void> {
  await forkd.output.waitFor(new RegExp(`${name} is process `), ANSWER_MS);
}

/** Domains, free memory and forkd's records: what must be as before when a family has gone. */
function host(): Promise<string> {
  return lab().run("xl list | awk 'NR > 1 {print $1}'; xl info | grep free_memory; xenstore-ls /karyon/families; true");
}

test("ends that happened while forkd was away are told, and pids go on", limit, async () => {
  const before = await host();
  await using first = await startForkd(lab());
  {
    await using guest = await bootForker(first, "stay 3");
    await lab().type(guest.name, "\n");
    await guest.console.waitFor(/forked 4/, ANSWER_MS);
    await serves(first, `${guest.name}-4`);
    await assert.rejects(startForkd(lab()), /forkd is already running on this host/);
    await first.end("KILL");
    await lab().run(`xl destroy ${guest.name}-2 && xl shutdown -w ${guest.name}-4`, { timeoutMs: ANSWER_MS });
    await using second = await startForkd(lab());
    await guest.console.waitFor(/ended 2 signal 9/, ANSWER_MS);
    await guest.console.waitFor(/ended 4 signal 15/, ANSWER_MS);
    await serves(second, guest.name);
    await serves(second, `${guest.name}-3`);
    await second.end("KILL");
    await using third = await startForkd(lab());
    await serves(third, guest.name);
    assert.equal(guest.console.text.match(/ended [24] /g)?.length, 2, "each end once");
    const lastPid = (await lab().run("xenstore-read $(xenstore-ls -f /karyon | awk '/last-pid/ {print $1}')")).trim();
    assert.ok(Number(lastPid) >= 4, `the last pid given is 4, not ${lastPid}`);
    await lab().run(`xl destroy ${guest.name}-3`);
    await guest.console.waitFor(/ended 3 signal 9[^]*no children left/, ANSWER_MS);
    await lab().run(`xl destroy ${guest.name}`);
    await third.output.waitFor(new RegExp(`${guest.name} \\(process 1, .*ended`), ANSWER_MS);
    await third.end();
  }
  assert.equal(await host(), before);
});

test("a family whose first domain ended while forkd was away goes on, and ends", limit, async () => {
  const before = await host();
  await using first = await startForkd(lab());
  {
    await using guest = await bootForker(first, "stay 2");
    await lab().type(guest.name, "\n");
    await guest.console.waitFor(/forked 3/, ANSWER_MS);
    await serves(first, `${guest.name}-3`);
    await first.end("KILL");
    await lab().run(`xl destroy ${guest.name}`);
    await using second = await startForkd(lab());
    await serves(second, `${guest.name}-2`);
    await serves(second, `${guest.name}-3`);
    await lab().run(`xl destroy ${guest.name}-2 && xl destroy ${guest.name}-3`);
    await second.output.waitFor(
      /process 2, .*ended[^]*process 3, .*ended|process 3, .*ended[^]*process 2, .*ended/,
      ANSWER_MS,
    );
    await second.end();
  }
  assert.equal(await host(), before);
});

test("forkd killed time and again while a family forks", limit, async () => {
  const before = await host();
  const rounds = 8;
  {
    let forkd = await startForkd(lab());
    await using guest = await bootForker(forkd, `insist ${rounds}`);
    await lab().type(guest.name, "\n");
    // Each at another point of what forkd does: delays from a fixed seed, in ms.
    const logs: string[] = [];
    for (const delay of [200, 450, 1000, 1700, 2600]) {
      await new Promise((resolve) => setTimeout(resolve, delay));
      await forkd.end("KILL");
      logs.push(forkd.output.text);
      forkd = await startForkd(lab());
    }
    try {
      await guest.console.waitFor(new RegExp(`children come and gone: ${rounds}`), ANSWER_MS);
    } catch (error) {
      const more = await lab().run("xl list; xenstore-ls -f /karyon");
      throw new Error([guest.console.text, ...logs, forkd.output.text, more].join("\n"), { cause: error });
    }
    assert.doesNotMatch(guest.console.text, /no child/);
    // Each child that it waited for, one status each; a child that never ran ended by signal 9.
    const ends = [...guest.console.text.matchAll(/ended (\d+) (status 7|signal 9)/g)].map(([, pid]) => pid);
    assert.equal(ends.length, rounds);
    assert.equal(new Set(ends).size, rounds, `a pid came back: ${ends.join(" ")}`);
    const list = await lab().run("xl list | grep -v -e --p---"); // what is paused stands ready for the next fork
    assert.doesNotMatch(list, new RegExp(`${guest.name}-`), "a child is left");
    await lab().run(`xl destroy ${guest.name}`);
    await forkd.output.waitFor(new RegExp(`${guest.name} \\(process 1, .*ended`), ANSWER_MS);
    await forkd.end();
  }
  assert.equal(await host(), before);
});

test("xenstored lists families of any size", limit, async () => {
  const program = await pushProgram(lab(), LIST_CHILDREN);
  assert.equal(await lab().run(`node ${program} ${CHILDREN}`, { timeoutMs: ANSWER_MS }), "listed");
});
