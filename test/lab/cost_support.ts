// What something costs in instructions, in a lab that counts them: the guest is asked to do it on its console and says when it is done.
import { total } from "../../tools/lab/count/count.ts";
import type { Guest } from "./support.ts";

const RUNS = 3;
const WORK_MS = 120_000;

async function instructions(guest: Guest, line: string): Promise<number> {
  return total(
    await guest.lab.countInstructions(async () => {
      const from = guest.console.text.length;
      await guest.lab.type(guest.name, `${line}\n`);
      await guest.console.waitFor(/done/, WORK_MS, from);
    }),
  );
}

/** The least of a few runs: events of domain 0 that wake a guest fall into some of them, and only ever add. */
async function least(guest: Guest, line: string): Promise<number> {
  let found = Infinity;
  for (let run = 0; run < RUNS; run++) found = Math.min(found, await instructions(guest, line));
  return found;
}

/**
 * Instructions of the guest, and of Xen on its behalf, for one of what the line `order(count)` has it do `count` times. What it
 * takes besides is in both counts and falls out.
 */
export async function instructionsEach(guest: Guest, count: number, order: (count: number) => string): Promise<number> {
  await instructions(guest, order(count)); // the first goes ways that no other goes
  const once = await least(guest, order(count));
  return ((await least(guest, order(2 * count))) - once) / count;
}
