// A Store at a FakeXenstored, anew for each test of the file that says useXenstored().
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "node:test";
import { Store } from "../../../tools/forkd/xen/store.ts";
import { FakeXenstored } from "./xenstored.ts";

const PATIENCE_MS = 5000;

export let xenstored: FakeXenstored;
export let store: Store;

export function useXenstored(): void {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "forkd-"));
    xenstored = new FakeXenstored();
    await xenstored.listen(join(folder, "socket"));
    store = await Store.open(join(folder, "socket"), PATIENCE_MS);
  });
  afterEach(async () => {
    store.close();
    xenstored.close();
    await rm(folder, { recursive: true });
  });
}
