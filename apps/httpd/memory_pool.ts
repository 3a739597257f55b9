// Memory of the server beside AssemblyScript's heap: buffers that connections borrow while they hold bytes, and storage
// that is never given back. Both take whole pages of the module's memory and can say no; the heap would end the program.
// A connection at rest holds no buffer, so memory follows the requests under way, not the connections that are open.

/** Bytes of a small buffer: most request heads fit. */
export const SMALL_BUFFER: u32 = 2048;
/** Bytes of a large buffer: the longest head, or a response. */
export const LARGE_BUFFER: u32 = 16384;

const PAGE: usize = 65536;

let freeSmall: usize = 0;
let freeLarge: usize = 0;
let storageAt: usize = 0;
let storageEnd: usize = 0;

/** `count` new pages, 0 when there is no memory. */
function growMemory(count: i32): usize {
  const before = memory.grow(count);
  return before < 0 ? 0 : <usize>before * PAGE;
}

/** Cuts a new page into buffers of `size` bytes and chains them. */
function refill(size: u32): usize {
  const page = growMemory(1);
  if (page == 0) return 0;
  let chain: usize = 0;
  for (let at = page + PAGE; at > page;) {
    at -= size;
    store<usize>(at, chain);
    chain = at;
  }
  return chain;
}

/** Borrows SMALL_BUFFER bytes; 0 when there is no memory. */
export function takeSmallBuffer(): usize {
  if (freeSmall == 0) freeSmall = refill(SMALL_BUFFER);
  const buffer = freeSmall;
  if (buffer != 0) freeSmall = load<usize>(buffer);
  return buffer;
}

/** Borrows LARGE_BUFFER bytes; 0 when there is no memory. */
export function takeLargeBuffer(): usize {
  if (freeLarge == 0) freeLarge = refill(LARGE_BUFFER);
  const buffer = freeLarge;
  if (buffer != 0) freeLarge = load<usize>(buffer);
  return buffer;
}

/** Gives back a buffer of `size` bytes: SMALL_BUFFER or LARGE_BUFFER. */
export function giveBuffer(buffer: usize, size: u32): void {
  if (size == SMALL_BUFFER) {
    store<usize>(buffer, freeSmall);
    freeSmall = buffer;
  } else {
    store<usize>(buffer, freeLarge);
    freeLarge = buffer;
  }
}

/** `size` zeroed bytes to keep, 8-byte aligned; 0 when there is no memory. */
export function allocateStorage(size: usize): usize {
  const bytes = (size + 7) & ~7;
  if (bytes > storageEnd - storageAt) {
    const pages = (bytes + PAGE - 1) / PAGE;
    const start = growMemory(<i32>pages);
    if (start == 0) return 0;
    // Pages that follow on the last ones extend them; otherwise the rest of those is left unused.
    if (start != storageEnd) storageAt = start;
    storageEnd = start + pages * PAGE;
  }
  const address = storageAt;
  storageAt += bytes;
  return address;
}
