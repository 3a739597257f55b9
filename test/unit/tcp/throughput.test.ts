// Throughput and recovery over a grid of paths, as a table that is committed: any change of it is seen in review.
// KARYON_UPDATE_SNAPSHOTS=1 writes the table anew.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Conditions } from "../../support/network.ts";
import { bulk, CUBIC, NEW_RENO } from "./bulk.ts";

const FILE = join(import.meta.dirname, "snapshots", "throughput.txt");
const BYTES = 4_000_000;
const SEEDS = [1, 2, 3];
const BANDWIDTH = 100e6; // bits per second
const QUEUE = 125_000; // bytes
const ROUND_TRIPS = [2, 20, 100]; // ms

const PATHS: readonly (readonly [string, Conditions, number?])[] = [
  ["no loss", {}],
  ["no loss, 40 MB", {}, 40_000_000],
  ["loss 0.1 %", { loss: 0.001 }],
  ["loss 1 %", { loss: 0.01 }],
  ["loss 5 %", { loss: 0.05 }],
  ["reordering 2 %", { reorder: 0.02, late: 3000 }],
  ["duplicates 2 %", { duplicate: 0.02 }],
];

const ALGORITHMS = [
  ["cubic", CUBIC],
  ["reno", NEW_RENO],
] as const;

function row(cells: readonly (string | number)[]): string {
  return cells.map((cell, index) => (index < 2 ? String(cell).padEnd(16) : String(cell).padStart(10))).join("");
}

async function measure(path: string, conditions: Conditions, roundTrip: number, bytes = BYTES): Promise<string[]> {
  const rows: string[] = [];
  for (const [name, congestion] of ALGORITHMS) {
    let [milliseconds, frames, lost] = [0, 0, 0];
    for (const seed of SEEDS) {
      const delay = roundTrip * 500;
      const link = { bandwidth: BANDWIDTH, queue: QUEUE, delay: [delay, delay] as const, ...conditions };
      const result = await bulk({ conditions: link, congestion, bytes, seed });
      milliseconds += result.milliseconds;
      frames += result.frames;
      lost += result.lost;
    }
    const megabits = ((SEEDS.length * bytes * 8) / milliseconds / 1000).toFixed(2);
    rows.push(row([path, `${roundTrip} ms, ${name}`, megabits, lost, frames]));
  }
  return rows;
}

test("throughput and recovery are as the table says", async () => {
  const lines = [row(["path", "round trip", "Mbit/s", "lost", "frames"])];
  for (const [path, conditions, bytes] of PATHS) {
    for (const roundTrip of ROUND_TRIPS) lines.push(...(await measure(path, conditions, roundTrip, bytes)));
  }
  const table = `${lines.join("\n")}\n`;
  if (process.env["KARYON_UPDATE_SNAPSHOTS"] !== undefined) await writeFile(FILE, table);
  assert.equal(table, await readFile(FILE, "utf8"));
});
