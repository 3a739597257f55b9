// Whose the sampled instructions are: function by function for an image of ours, whose table of names is complete; Xen, of which
// the packages hold no names, as one.
import type { NamedFunction } from "../../image/symbols.ts";
import type { Samples } from "../../lab/count/samples.ts";
import { layerOf } from "../layers.ts";

/** The hypervisor's half of the address space (asm-x86/config.h: L4 slots 256 to 271). */
const XEN_FIRST = 0xffff800000000000n;
/** Guests have the lower half. */
const GUEST_END = 0x0000800000000000n;

const XEN = "Xen";
const UNKNOWN = "unknown";

/** A share of what was executed. */
export interface Share {
  readonly name: string;
  readonly instructions: number;
}

/** Where instructions went. */
export interface Profile {
  readonly instructions: number;
  /** Those of layers.ts, and Xen; the largest first. */
  readonly layers: readonly Share[];
  /** By function, the largest first. */
  readonly functions: readonly Share[];
}

/**
 * Attributes samples.
 *
 * @param functions those of the image, ascending by address; a function ends where the next begins
 */
export function attribute({ every, addresses }: Samples, functions: readonly NamedFunction[]): Profile {
  const byFunction = new Map<string, number>();
  const byLayer = new Map<string, number>();
  let instructions = 0;
  for (const [address, count] of addresses) {
    const name = nameOf(address, functions);
    instructions += count * every;
    add(byFunction, name, count * every);
    add(byLayer, name === XEN || name === UNKNOWN ? name : layerOf(name), count * every);
  }
  return { instructions, layers: largestFirst(byLayer), functions: largestFirst(byFunction) };
}

function add(sums: Map<string, number>, name: string, instructions: number): void {
  sums.set(name, (sums.get(name) ?? 0) + instructions);
}

function largestFirst(sums: ReadonlyMap<string, number>): Share[] {
  const shares = [...sums].map(([name, instructions]) => ({ name, instructions }));
  return shares.sort((a, b) => b.instructions - a.instructions);
}

function nameOf(address: bigint, functions: readonly NamedFunction[]): string {
  if (address >= XEN_FIRST) return XEN;
  const below = address < GUEST_END ? lastNotAbove(Number(address), functions) : undefined;
  return below?.name ?? UNKNOWN;
}

/** By bisection. */
function lastNotAbove(address: number, functions: readonly NamedFunction[]): NamedFunction | undefined {
  let [low, high] = [0, functions.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((functions[middle]?.address ?? Infinity) <= address) low = middle + 1;
    else high = middle;
  }
  return functions[low - 1];
}
