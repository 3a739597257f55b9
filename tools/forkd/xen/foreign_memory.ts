// libxenforeignmemory: frames of other domains as bytes of this process.
import koffi from "koffi";
import { KaryonError } from "../../support/errors.ts";
import { checkedPointer, frameArray, loadLibrary, type Pointer } from "./library.ts";

const PROT_READ = 1;
const PROT_WRITE = 2;

export const PAGE_SIZE = 4096;

/** Mapped frames. Parts of their bytes must not be kept beyond unmap(): nothing would catch their use but the processor. */
export class ForeignPages {
  #bytes: Uint8Array | undefined;

  constructor(
    bytes: Uint8Array,
    private readonly release: () => void,
  ) {
    this.#bytes = bytes;
  }

  /** @throws KaryonError XEN_UNMAPPED after unmap() */
  get bytes(): Uint8Array {
    if (this.#bytes !== undefined) return this.#bytes;
    throw new KaryonError("XEN_UNMAPPED", "a foreign page is used after it was unmapped");
  }

  /** Lets go of the frames; again does nothing. */
  unmap(): void {
    if (this.#bytes === undefined) return;
    this.#bytes = undefined;
    this.release();
  }
}

/** A handle on libxenforeignmemory. */
export class ForeignMemory {
  readonly #library = loadLibrary("libxenforeignmemory.so.1");
  readonly #map = this.#library.func(
    "void *xenforeignmemory_map(void *handle, uint32_t domid, int prot, size_t pages, void *frames, void *errors)",
  );
  readonly #unmap = this.#library.func("int xenforeignmemory_unmap(void *handle, void *address, size_t pages)");
  readonly #handle: Pointer;

  constructor() {
    const open = this.#library.func("void *xenforeignmemory_open(void *logger, unsigned int flags)");
    this.#handle = checkedPointer("xenforeignmemory_open", open(null, 0) as Pointer | null);
  }

  /** Maps machine frames of `domain` side by side. A mapping keeps its frames alive, even those of a dead domain. */
  map(domain: number, frames: ArrayLike<number>, writable: boolean): ForeignPages {
    const prot = writable ? PROT_READ | PROT_WRITE : PROT_READ;
    const list = frameArray(frames);
    const result = this.#map(this.#handle, domain, prot, frames.length, list, null) as Pointer | null;
    const address = checkedPointer("xenforeignmemory_map", result);
    const bytes = new Uint8Array(koffi.view(address, frames.length * PAGE_SIZE));
    return new ForeignPages(bytes, () => void this.#unmap(this.#handle, address, frames.length));
  }

  /** Maps frames for the time of `work`. */
  with<T>(domain: number, frames: ArrayLike<number>, writable: boolean, work: (bytes: Uint8Array) => T): T {
    const pages = this.map(domain, frames, writable);
    try {
      return work(pages.bytes);
    } finally {
      pages.unmap();
    }
  }
}
