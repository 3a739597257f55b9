// Loads Xen's C libraries into Node (koffi) and turns their errno convention into KaryonError. libxenctrl and libxenguest
// have no stable interface: they must be those of the running Xen, and this daemon knows those of 4.17 only.
import koffi, { type LibraryHandle } from "koffi";
import { KaryonError } from "../../support/errors.ts";

/** The Xen release whose libxenctrl and libxenguest this daemon speaks. */
export const XEN_VERSION = "4.17";

/** A C pointer; koffi hands them out as bigint. */
export type Pointer = bigint;

/**
 * Opens a shared library of Xen.
 *
 * @throws KaryonError XEN_LIBRARY when it is not installed
 */
export function loadLibrary(name: string): LibraryHandle {
  try {
    return koffi.load(name);
  } catch (error) {
    const mend = `forkd runs in domain 0 of Xen ${XEN_VERSION} and needs that release's libraries (Debian: libxenmisc${XEN_VERSION})`;
    throw new KaryonError("XEN_LIBRARY", `cannot load ${name}`, mend, { cause: error });
  }
}

let calls = 0;

/** Calls into Xen's libraries so far, each of which is at least one hypercall. */
export function callCount(): number {
  return calls;
}

/** Counts a call. */
export function counted(): void {
  calls += 1;
}

/**
 * The result of a call that tells failure by a negative number and errno.
 *
 * @throws KaryonError XEN_CALL
 */
export function checked(call: string, result: number | bigint): number {
  counted();
  if (result >= 0) return Number(result);
  throw callFailed(call);
}

/**
 * The result of a call that tells failure by a null pointer and errno.
 *
 * @throws KaryonError XEN_CALL
 */
export function checkedPointer(call: string, result: Pointer | null): Pointer {
  counted();
  if (result !== null && result !== 0n) return result;
  throw callFailed(call);
}

/** errno of a KaryonError that has one, XEN_CALL above all; 0 for anything else. */
export function errnoOf(error: unknown): number {
  return error instanceof KaryonError && "errno" in error && typeof error.errno === "number" ? error.errno : 0;
}

/** A call into one of Xen's libraries that failed. */
class XenCallError extends KaryonError {
  constructor(
    call: string,
    readonly errno: number,
  ) {
    super("XEN_CALL", `${call} failed (errno ${errno}, ${errnoName(errno)})`);
  }
}

function callFailed(call: string): XenCallError {
  return new XenCallError(call, koffi.errno());
}

function errnoName(value: number): string {
  return Object.entries(koffi.os.errno).find(([, number]) => number === value)?.[0] ?? "unknown";
}

/** Frame numbers as the array of xen_pfn_t (u64) that the libraries take; BigInt would be thirty times slower. */
export function frameArray(frames: ArrayLike<number>): Uint32Array {
  const pairs = new Uint32Array(frames.length * 2);
  for (let i = 0; i < frames.length; i++) pairs[2 * i] = frames[i] ?? 0;
  return pairs;
}
