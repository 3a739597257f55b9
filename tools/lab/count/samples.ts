// Where the guests' CPU spends its instructions: the samples that the counting plugin takes (plugin.c).
import { open, type FileHandle } from "node:fs/promises";
import { KaryonError } from "../../support/errors.ts";

const HEADER_SIZE = 24;
const ADDRESS_SIZE = 8;

/** Samples of what the guests' CPU executed. */
export interface Samples {
  /** Instructions from one sample to the next. */
  readonly every: number;
  /** How often each address was met: that of the first instruction of a block without jumps. */
  readonly addresses: ReadonlyMap<bigint, number>;
}

/** How many samples the plugin has taken until now. */
export async function samplesTaken(path: string): Promise<number> {
  return withFile(path, async (file) => Number((await bytes(file, 0, HEADER_SIZE)).readBigUInt64LE(0)));
}

/**
 * The samples from number `from` on.
 *
 * @throws KaryonError SAMPLES_LOST when the file no longer holds all of them
 */
export async function samplesSince(path: string, from: number): Promise<Samples> {
  return withFile(path, async (file) => {
    const header = await bytes(file, 0, HEADER_SIZE);
    const [taken = 0, every = 0, capacity = 0] = [0, 8, 16].map((at) => Number(header.readBigUInt64LE(at)));
    if (taken - from > capacity) {
      const mend = `measure something shorter than ${capacity * every} instructions`;
      throw new KaryonError("SAMPLES_LOST", `${taken - from} samples were taken, of which ${capacity} are left`, mend);
    }
    const all = await bytes(file, HEADER_SIZE, capacity * ADDRESS_SIZE);
    const addresses = new Map<bigint, number>();
    for (let number = from; number < taken; number++) {
      const address = all.readBigUInt64LE((number % capacity) * ADDRESS_SIZE);
      addresses.set(address, (addresses.get(address) ?? 0) + 1);
    }
    return { every, addresses };
  });
}

async function withFile<T>(path: string, read: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, "r");
  try {
    return await read(file);
  } finally {
    await file.close();
  }
}

async function bytes(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}
