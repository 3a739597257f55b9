// Which ports a member takes for flows that it begins itself. Members choose their own ports, and nobody can be asked before a first
// packet leaves; so each has ports of its own, and dom0's rules know from the port whose the answers are, without an element for each flow
// and without a word between the member and forkd. The first process has the upper half of the ephemeral ports, as many as it
// can want; the lower half is cut into blocks, one for each child.
import { portKey } from "./flow.ts";
import type { KernelMap } from "./kernel_map.ts";

const FIRST = 32_768;
const SIZE = 128;
const BLOCKS = 128;

/** The bits of a port that name its block, as a register holds it. */
export const BLOCK_MASK = Buffer.from([0xff, 0x80, 0, 0]);

/** Ports next to each other. */
export interface PortBlock {
  readonly first: number;
  readonly count: number;
}

/** The ports of a process that shares its address with nobody. */
export const ALL_PORTS: PortBlock = { first: 49_152, count: 16_384 };

/** The block of a process, or one that nobody has; undefined when all are taken. */
export function blockFor(pid: number, taken: Pick<KernelMap, "entries">): PortBlock | undefined {
  const owners = new Map(taken.entries().map(([key, owner]) => [key.readUInt16BE(0), owner]));
  const blocks = Array.from({ length: BLOCKS }, (_, i) => ({ first: FIRST + i * SIZE, count: SIZE }));
  return blocks.find(({ first }) => owners.get(first) === pid) ?? blocks.find(({ first }) => !owners.has(first));
}

/** The key of a block in the map `blocks`. */
export function blockKey({ first }: PortBlock): Buffer {
  return portKey(first);
}
