// `forkd signal`: what a person may write, and the request's way through xenstore to the forkd that runs and back.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Family, Member } from "../../../tools/forkd/family/family.ts";
import {
  OperatorSignals,
  parseSignal,
  sendFromOutside,
  type SignalStore,
} from "../../../tools/forkd/family/operator.ts";

const UUID = "9d1e8b62-6b5c-4a57-9d43-8f0f4f2f7a11";
const [SIGHUP, SIGUSR1, SIGTERM] = [1, 10, 15];

/** A xenstore in memory. */
class FakeStore implements SignalStore {
  readonly nodes = new Map<string, string>();
  readonly #watches: { readonly path: string; readonly listener: (path: string) => void }[] = [];

  directory(path: string): Promise<string[]> {
    const below = [...this.nodes.keys()].filter((node) => node.startsWith(`${path}/`));
    return Promise.resolve([...new Set(below.map((node) => node.slice(path.length + 1).split("/")[0] ?? ""))]);
  }

  read(path: string): Promise<string | undefined> {
    return Promise.resolve(this.nodes.get(path));
  }

  remove(path: string): Promise<void> {
    for (const node of [...this.nodes.keys()]) {
      if (node === path || node.startsWith(`${path}/`)) this.nodes.delete(node);
    }
    return this.#changed(path);
  }

  write(path: string, value: string): Promise<void> {
    this.nodes.set(path, value);
    return this.#changed(path);
  }

  watch(path: string, listener: (path: string) => void): Promise<void> {
    this.#watches.push({ path, listener });
    listener(path);
    return Promise.resolve();
  }

  #changed(path: string): Promise<void> {
    for (const watch of this.#watches) {
      if (path === watch.path || path.startsWith(`${watch.path}/`)) queueMicrotask(() => watch.listener(path));
    }
    return Promise.resolve();
  }

  /** Writes the record of a process. */
  know(pid: number, name: string, domain: number, state = "running"): void {
    const home = `/karyon/families/${UUID}/${pid}`;
    for (const [node, value] of Object.entries({ name, domid: String(domain), state })) {
      this.nodes.set(`${home}/${node}`, value);
    }
  }
}

/** A forkd that serves processes 1 and 2, and what it has sent. */
async function serving(store: FakeStore, outcome = 0): Promise<string[]> {
  const sent: string[] = [];
  const members = new Map([1, 2].map((pid) => [pid, { pid } as Member]));
  const deliver = ({ pid }: Member, signal: number): number => {
    sent.push(`${signal} to ${pid}`);
    return outcome;
  };
  const family = { members } as unknown as Family;
  const known = { family: (uuid: string): Family | undefined => (uuid === UUID ? family : undefined) };
  await new OperatorSignals(store, known, { deliver }, (work) => void work()).listen();
  return sent;
}

function twoProcesses(): FakeStore {
  const store = new FakeStore();
  store.know(1, "web", 7);
  store.know(2, "web-2", 8);
  store.know(3, "web-3", 9, "shell");
  return store;
}

test("signals by name and number", () => {
  assert.deepEqual(["SIGHUP", "hup", "1", "usr1", "15"].map(parseSignal), [SIGHUP, SIGHUP, SIGHUP, SIGUSR1, SIGTERM]);
  for (const wrong of ["", "0", "32", "-1", "SIGFOO", "SIG", "1.5", "RTMIN"]) {
    assert.throws(() => parseSignal(wrong), { code: "FORKD_SIGNAL", message: `"${wrong}" is no signal` });
  }
});

test("a request reaches the process that is named, by name or by domain, and leaves no node behind", async () => {
  const store = twoProcesses();
  const sent = await serving(store);
  const before = [...store.nodes.keys()];
  await sendFromOutside(store, "web", SIGHUP);
  await sendFromOutside(store, "web-2", SIGUSR1);
  await sendFromOutside(store, "8", SIGTERM);
  assert.deepEqual(sent, ["1 to 1", "10 to 2", "15 to 2"]);
  assert.deepEqual([...store.nodes.keys()], before);
});

test("errors: nobody of that name, one that stands ready, one that has ended, one that cannot be reached", async () => {
  const store = twoProcesses();
  const sent = await serving(store);
  for (const name of ["nobody", "web-3", "9", "99", ""]) {
    await assert.rejects(sendFromOutside(store, name, SIGHUP), { code: "FORKD_NO_PROCESS" }, name);
  }
  store.know(4, "web-4", 10); // of which forkd knows nothing
  await assert.rejects(sendFromOutside(store, "web-4", SIGHUP), { code: "FORKD_NO_PROCESS", message: /has ended/ });
  assert.deepEqual(sent, []);
  const failing = twoProcesses();
  await serving(failing, -5);
  await assert.rejects(sendFromOutside(failing, "web", SIGHUP), { code: "FORKD_SIGNAL" });
});

test("without a forkd nothing is sent, not even when one comes later", async () => {
  const store = twoProcesses();
  store.nodes.set("/karyon/signals/left", `${UUID} 1 15`);
  await assert.rejects(sendFromOutside(store, "web", SIGTERM, 20), { code: "FORKD_SILENT", mend: /forkd run/ });
  assert.deepEqual(await store.directory("/karyon/signals"), ["left"]);
  assert.deepEqual(await serving(store), []);
  assert.deepEqual(await store.directory("/karyon/signals"), []);
});
