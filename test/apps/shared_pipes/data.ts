// What the cases send through pipes: a stream that can be told from any other, and records that must not be mixed.
import { read, write } from "karyon";

const buffer = new StaticArray<u8>(16384);
const at = changetype<usize>(buffer);

function byteOf(seed: u32, position: u32): u8 {
  return <u8>((seed * 31 + position * 7 + (position >> 8)) & 255);
}

/** Writes `length` bytes of the stream `seed`, in pieces of up to `piece`; whether all went. */
export function sendStream(fd: i32, seed: u32, length: u32, piece: u32): bool {
  let done: u32 = 0;
  while (done < length) {
    const count = min(piece, length - done);
    for (let i: u32 = 0; i < count; i++) store<u8>(at + i, byteOf(seed, done + i));
    let sent: u32 = 0;
    while (sent < count) {
      const result = write(fd, at + sent, count - sent);
      if (result <= 0) return false;
      sent += result;
    }
    done += count;
  }
  return true;
}

/** Reads to the end of file: how many bytes, or -1 when they are not the stream `seed`. */
export function receiveStream(fd: i32, seed: u32, piece: u32): i32 {
  let done: u32 = 0;
  while (true) {
    const count = read(fd, at, piece);
    if (count < 0) return -1;
    if (count == 0) return <i32>done;
    for (let i: i32 = 0; i < count; i++) if (load<u8>(at + i) != byteOf(seed, done + i)) return -1;
    done += count;
  }
}

/** A record: u16 length, u16 number, u32 writer, then bytes that follow from these. */
export const RECORD_LEAST: u32 = 8;

/** Writes record `number` of `writer` in one piece: what write() returns. */
export function sendRecord(fd: i32, writer: u32, number: u32, length: u32): i32 {
  store<u16>(at, <u16>length);
  store<u16>(at, <u16>number, 2);
  store<u32>(at, writer, 4);
  for (let i = RECORD_LEAST; i < length; i++) store<u8>(at + i, byteOf(writer + number, i));
  return write(fd, at, length);
}

function readAll(fd: i32, target: usize, count: u32): bool {
  let done: u32 = 0;
  while (done < count) {
    const result = read(fd, target + done, count - done);
    if (result <= 0) return false;
    done += result;
  }
  return true;
}

/** The writer and the number of the record that was read last. */
export let recordWriter: u32 = 0;
export let recordNumber: u32 = 0;

/** Reads a record: 1, 0 at the end of file, -1 when it is none. */
export function receiveRecord(fd: i32): i32 {
  const first = read(fd, at, RECORD_LEAST);
  if (first == 0) return 0;
  if (first < 0 || !readAll(fd, at + first, RECORD_LEAST - first)) return -1;
  const length = <u32>load<u16>(at);
  recordNumber = load<u16>(at, 2);
  recordWriter = load<u32>(at, 4);
  if (length < RECORD_LEAST || length > 4096 || !readAll(fd, at + RECORD_LEAST, length - RECORD_LEAST)) return -1;
  for (let i = RECORD_LEAST; i < length; i++) {
    if (load<u8>(at + i) != byteOf(recordWriter + recordNumber, i)) return -1;
  }
  return 1;
}
