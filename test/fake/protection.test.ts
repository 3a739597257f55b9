// The rights of every page after boot, read from the page tables: W^X, page tables never writable, nothing at null.
// Below APP_BASE the fake's layout has address = frame << 12, so the tables themselves can be followed by frame.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Host } from "../../tools/fake-xen/host.ts";
import { fakeKernel } from "../support/fake.ts";

const PAGE = 4096;
const PRESENT = 1n;
const WRITABLE = 2n;
const NO_EXECUTE = 1n << 63n;

const kernel = await fakeKernel();

interface Page {
  readonly address: number;
  readonly writable: boolean;
  readonly executable: boolean;
}

test("after_boot_no_page_is_writable_and_executable", () => {
  const guest = new Host(kernel, 1).create({ commandLine: "ip=off" });
  guest.awaitConsole("kernel: Karyon");
  const { memory, layout } = guest.domain;
  const next = (table: number, index: number): number | undefined => {
    const entry = memory.u64(table + index * 8);
    return entry & PRESENT ? memory.pfn(Number((entry & 0xffffffffff000n) >> 12n)) * PAGE : undefined;
  };
  const tables = new Set<number>([layout.pageTables]);
  const pages: Page[] = [];
  const l3 = next(layout.pageTables, 0);
  assert.ok(l3 !== undefined);
  tables.add(l3);
  for (let gib = 0; gib < 4; gib++) {
    const l2 = next(l3, gib);
    if (l2 === undefined) continue;
    tables.add(l2);
    for (let i = 0; i < 512; i++) {
      const l1 = next(l2, i);
      if (l1 === undefined) continue;
      tables.add(l1);
      for (let j = 0; j < 512; j++) {
        const entry = memory.u64(l1 + j * 8);
        const address = gib * 2 ** 30 + i * 2 ** 21 + j * PAGE;
        const rights = { writable: (entry & WRITABLE) !== 0n, executable: (entry & NO_EXECUTE) === 0n };
        // shared_info is mapped by update_va_mapping, which the fake does not write into the tables.
        if (entry & PRESENT && address !== layout.sharedInfo) pages.push({ address, ...rights });
      }
    }
  }
  assert.ok(pages.length > 256, "the walk has found the direct map");
  assert.deepEqual(
    pages.filter((page) => page.writable && page.executable),
    [],
  );
  const executable = pages.filter((page) => page.executable).map((page) => page.address);
  assert.ok(executable.length > 0 && executable.every((at) => at >= layout.textStart && at < layout.textEnd));
  const readOnly = pages.filter((page) => page.address >= layout.textEnd && page.address < layout.rodataEnd);
  assert.ok(readOnly.length > 0 && readOnly.every((page) => !page.writable));
  assert.ok(
    pages.filter((page) => tables.has(page.address)).every((page) => !page.writable),
    "a table is writable",
  );
});
