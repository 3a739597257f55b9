// The xenstore wire protocol (xen/include/public/io/xs_wire.h, docs/misc/xenstore.txt): message types, the header,
// the ring page's layout, and the error names that replies carry instead of numbers.
import { EACCES, EAGAIN, EBUSY, EEXIST, EINVAL, EIO, EISCONN, EISDIR, ENOENT, ENOMEM } from "../errno";
import { E2BIG, ENOSPC, ENOSYS, ENOTEMPTY, EPERM, EROFS } from "../errno";
import { bytesEqualText } from "../text";

export const XS_DIRECTORY: u32 = 1;
export const XS_READ: u32 = 2;
export const XS_WATCH: u32 = 4;
export const XS_UNWATCH: u32 = 5;
export const XS_TRANSACTION_START: u32 = 6;
export const XS_TRANSACTION_END: u32 = 7;
export const XS_WRITE: u32 = 11;
export const XS_RM: u32 = 13;
export const XS_WATCH_EVENT: u32 = 15;
export const XS_ERROR: u32 = 16;

/** Bytes of each of the two byte rings. */
export const XENSTORE_RING_SIZE: u32 = 1024;
/** The most payload a message may carry; a client that exceeds it is cut off. */
export const XENSTORE_PAYLOAD_MAX: u32 = 4096;

/** Offsets in struct xenstore_domain_interface. */
export const REQ: usize = 0;
export const RSP: usize = 1024;
export const REQ_CONS: usize = 2048;
export const REQ_PROD: usize = 2052;
export const RSP_CONS: usize = 2056;
export const RSP_PROD: usize = 2060;
export const SERVER_FEATURES: usize = 2064;
export const CONNECTION: usize = 2068;

export const XENSTORE_SERVER_FEATURE_RECONNECTION: u32 = 1;
export const XENSTORE_CONNECTED: u32 = 0;
export const XENSTORE_RECONNECT: u32 = 1;

/** Bytes of struct xsd_sockmsg. */
export const HEADER_SIZE: u32 = 16;

/** struct xsd_sockmsg: stands before each message's payload, in both directions. */
@unmanaged
@final
export class StoreHeader {
  type: u32;
  requestId: u32;
  transaction: u32;
  length: u32;
}

/** The errno of an error reply's text (with or without its NUL); EIO for a name that xs_wire.h does not list. */
export function storeErrno(text: usize, count: u32): i32 {
  const length = count > 0 && load<u8>(text + count - 1) == 0 ? count - 1 : count;
  if (bytesEqualText(text, length, "ENOENT")) return ENOENT;
  if (bytesEqualText(text, length, "EAGAIN")) return EAGAIN;
  if (bytesEqualText(text, length, "EEXIST")) return EEXIST;
  if (bytesEqualText(text, length, "EACCES")) return EACCES;
  if (bytesEqualText(text, length, "EPERM")) return EPERM;
  if (bytesEqualText(text, length, "EINVAL")) return EINVAL;
  if (bytesEqualText(text, length, "EISDIR")) return EISDIR;
  if (bytesEqualText(text, length, "ENOMEM")) return ENOMEM;
  if (bytesEqualText(text, length, "ENOSPC")) return ENOSPC;
  if (bytesEqualText(text, length, "ENOTEMPTY")) return ENOTEMPTY;
  if (bytesEqualText(text, length, "ENOSYS")) return ENOSYS;
  if (bytesEqualText(text, length, "EROFS")) return EROFS;
  if (bytesEqualText(text, length, "EBUSY")) return EBUSY;
  if (bytesEqualText(text, length, "EISCONN")) return EISCONN;
  if (bytesEqualText(text, length, "E2BIG")) return E2BIG;
  return EIO;
}
