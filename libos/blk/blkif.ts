// The block interface's ring (xen/include/public/io/blkif.h), as a 64-bit x86 front end has it (protocol "x86_64-abi"): 32 entries of 112 bytes,
// a request with up to eleven pieces of pages, or a response. Sectors are of 512 bytes whatever the device has.

/** Bytes of a sector. */
export const SECTOR_SIZE: u32 = 512;
export const SECTOR_SHIFT: u32 = 9;

export const BLKIF_OP_READ: u8 = 0;
export const BLKIF_OP_WRITE: u8 = 1;
/** A write that everything before it precedes, and which precedes everything behind it; may be of nothing. */
export const BLKIF_OP_WRITE_BARRIER: u8 = 2;
/** All that has been written is where it stays without power. */
export const BLKIF_OP_FLUSH_DISKCACHE: u8 = 3;

export const BLKIF_RSP_OKAY: i16 = 0;
export const BLKIF_RSP_EOPNOTSUPP: i16 = -2;

/** Pieces of a request. */
export const BLKIF_MAX_SEGMENTS_PER_REQUEST: u32 = 11;
/** Bytes of an entry. */
export const BLKIF_ENTRY_SIZE: u32 = 112;
/** Entries of a ring of one page. */
export const BLKIF_RING_ENTRIES: u32 = 32;

/** In the node "info" of the back end: the device cannot be written. */
export const VDISK_READONLY: i64 = 4;

/** struct blkif_request, without its segments. */
@unmanaged
@final
export class BlkifRequest {
  operation: u8;
  segments: u8;
  handle: u16;
  id: u64;
  sector: u64;
}

/** struct blkif_request_segment. */
@unmanaged
@final
export class BlkifSegment {
  reference: u32;
  /** The first and last sector in the page. */
  first: u8;
  last: u8;
}

/** Where the segments of a request begin, and how far apart they are. */
export const BLKIF_SEGMENTS: usize = 24;
export const BLKIF_SEGMENT_SIZE: usize = 8;

/** struct blkif_response. */
@unmanaged
@final
export class BlkifResponse {
  id: u64;
  operation: u8;
  status: i16;
}
