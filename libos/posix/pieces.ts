// Buffers in pieces (struct iovec), as readv, sendmsg and their kin have them. The app's threads can change the pieces while a call waits: each is
// read once for each use, and looked at as if it had never been checked.
import { EFAULT, EINVAL } from "../../kernel/errno";
import { userBuffer } from "../process/user_memory";
import { TRANSFER_MAX } from "./constants";
import { IO_VECTOR_SIZE, IoVector } from "./layout";

/** Kernel address of the piece that pieceAt() has found. */
let address: usize = 0;

export function pieceAddress(): usize {
  return address;
}

/** Why the `count` pieces, at most UIO_MAXIOV, at offset `vectors` of app memory cannot be used: -EFAULT, -EINVAL; 0 when they can. */
export function piecesError(vectors: u32, count: u32): i32 {
  const at = userBuffer(vectors, count * IO_VECTOR_SIZE);
  if (at == 0 && count != 0) return -EFAULT;
  for (let i: u32 = 0; i < count; i++) {
    const vector = changetype<IoVector>(at + <usize>i * IO_VECTOR_SIZE);
    if (vector.length > TRANSFER_MAX) return -EINVAL;
    if (userBuffer(vector.base, vector.length) == 0) return -EFAULT;
  }
  return 0;
}

/** The length of piece `index`, whose address is then pieceAddress(); 0 when it is not the app's any more. */
export function pieceAt(vectors: u32, index: u32): u32 {
  address = 0;
  const at = userBuffer(vectors + index * IO_VECTOR_SIZE, IO_VECTOR_SIZE);
  if (at == 0) return 0;
  const length = min(changetype<IoVector>(at).length, TRANSFER_MAX);
  address = userBuffer(changetype<IoVector>(at).base, length);
  return address == 0 ? 0 : length;
}

/** Bytes of all pieces, or `most` when they are more. */
export function piecesLength(vectors: u32, count: u32, most: u32): u32 {
  let total: u32 = 0;
  for (let i: u32 = 0; i < count && total < most; i++) total += min(pieceAt(vectors, i), most - total);
  return total;
}

/** Copies the `length` bytes that lie `from` bytes behind the beginning of the first piece to `whole`; zeroes where there are none any more. */
export function piecesGather(vectors: u32, count: u32, from: u32, whole: usize, length: u32): void {
  let done: u32 = 0;
  let skip = from;
  for (let i: u32 = 0; i < count && done < length; i++) {
    const size = pieceAt(vectors, i);
    const skipped = min(skip, size);
    skip -= skipped;
    const part = min(size - skipped, length - done);
    memory.copy(whole + done, address + skipped, part);
    done += part;
  }
  if (done < length) memory.fill(whole + done, 0, length - done);
}

/** Copies the `length` bytes at `whole` to the pieces, as far as there are any. */
export function piecesScatter(vectors: u32, count: u32, whole: usize, length: u32): void {
  let done: u32 = 0;
  for (let i: u32 = 0; i < count && done < length; i++) {
    const part = min(pieceAt(vectors, i), length - done);
    memory.copy(address, whole + done, part);
    done += part;
  }
}
