// libxenforeignmemory: frames of other domains as bytes of this process.
import koffi from "koffi";
import { checkedPointer, frameArray, loadLibrary, type Pointer } from "./library.ts";

const PROT_READ = 1;
const PROT_WRITE = 2;

export const PAGE_SIZE = 4096;

/** Mapped frames. Their bytes must not be touched after unmap(): nothing would catch it but the processor. */
export interface ForeignPages {
  readonly bytes: Uint8Array;
  unmap(): void;
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
    return {
      bytes: new Uint8Array(koffi.view(address, frames.length * PAGE_SIZE)),
      unmap: () => void this.#unmap(this.#handle, address, frames.length),
    };
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
