// When the guests' CPU first comes to marked places, in instructions that it has executed by then: the stages of a boot (plugin.c).
import { open } from "node:fs/promises";
import { KaryonError } from "../../support/errors.ts";

const MARKS = 8;
const MARK_SIZE = 24;
const REACHED = 16;

/** Code from one address on, up to another, by what it is called. */
export interface Mark {
  readonly name: string;
  readonly from: bigint;
  readonly to: bigint;
}

/**
 * Marks these places and forgets others. To be called before their code first runs.
 *
 * @throws KaryonError MARKS when there are more than the plugin has room for
 */
export async function setMarks(path: string, marks: readonly Mark[]): Promise<void> {
  if (marks.length > MARKS) throw new KaryonError("MARKS", `${marks.length} marks, of which ${MARKS} can be set`);
  const bytes = Buffer.alloc(MARKS * MARK_SIZE);
  marks.forEach(({ from, to }, i) => {
    bytes.writeBigUInt64LE(from, i * MARK_SIZE);
    bytes.writeBigUInt64LE(to, i * MARK_SIZE + 8);
  });
  const file = await open(path, "r+");
  try {
    await file.write(bytes, 0, bytes.length, 0);
  } finally {
    await file.close();
  }
}

/** What the guests' CPU had executed in all when it came to each of the marks; 0 where it did not. */
export async function readMarks(path: string, marks: readonly Mark[]): Promise<number[]> {
  const file = await open(path, "r");
  try {
    const { buffer } = await file.read(Buffer.alloc(MARKS * MARK_SIZE), 0, MARKS * MARK_SIZE, 0);
    return marks.map((_, i) => Number(buffer.readBigUInt64LE(i * MARK_SIZE + REACHED)));
  } finally {
    await file.close();
  }
}
