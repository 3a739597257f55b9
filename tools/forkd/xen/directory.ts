// The names of a node's children when they do not fit into one answer of xenstored (XENSTORE_PAYLOAD_MAX of xen/io/xs_wire.h, 4096 bytes): XS_DIRECTORY is
// E2BIG then, and XS_DIRECTORY_PART, since Xen 4.9, gives them from a byte on. A part is the node's generation and whole names, each with its NUL; after
// the last name comes an empty one. A node of another generation has changed since, and its list begins anew: what is returned was all there at one time.
import { KaryonError } from "../../support/errors.ts";

/** How often a list is begun. A node that changes more often is not going to be still. */
const ATTEMPTS = 100;

/**
 * The names of all children of `path`.
 *
 * @param part asks for the part from this byte on: the answer without its last NUL
 * @throws KaryonError XENSTORE when the node does not stop changing; what `part` throws
 */
export async function directoryByParts(path: string, part: (offset: number) => Promise<string>): Promise<string[]> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const names = await oneGeneration(part);
    if (names !== undefined) return names.split("\0").filter((name) => name !== "");
  }
  throw new KaryonError("XENSTORE", `the children of ${path} change faster than xenstored can list them`);
}

/** All names, each with its NUL; undefined when the node has changed between two parts. */
async function oneGeneration(part: (offset: number) => Promise<string>): Promise<string | undefined> {
  let names = "";
  let first: string | undefined;
  for (;;) {
    const answer = await part(names.length);
    const end = answer.indexOf("\0");
    const generation = answer.slice(0, end);
    first ??= generation;
    if (end < 0 || generation !== first) return undefined;
    const some = answer.slice(end + 1);
    // The answer has lost its last NUL: that of the empty name behind the last one, or that of the last name of this part.
    if (some === "" || some.endsWith("\0")) return names + some;
    names += `${some}\0`;
  }
}
