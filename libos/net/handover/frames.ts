// Segments that come to a process for a connection that another has, or is about to have (MESSAGE_FRAME): after a flow, u32 receive flags (the checksum is right, the
// service field), u32 offset, and bytes of the segment from there on; the flag MESSAGE_LAST on its last piece. They follow the state on the same way, so
// they come after it. What has no room is lost, as a segment may be.
import { MESSAGE_FRAME, MESSAGE_LAST, mailboxBegin, mailboxEnd, mailboxPut } from "../../../kernel/fork/mailbox";
import { PAGE_SHIFT, pagesAlloc, pagesFree } from "../../../kernel/memory/pages";
import { RX_CHECKSUM_VALID } from "../device";
import { RX_SERVICE_SHIFT } from "../receive_flags";
import { tcpInput } from "../tcp/input";
import { tcpFlush } from "../tcp/output";
import { TcpSocket } from "../tcp/socket";
import { NO_ENDPOINT } from "../tcp/table";
import { TCP_HEADER_SIZE } from "../wire/tcp";
import {
  FLOW,
  flowEndpoint,
  flowLocal,
  flowLocalPort,
  flowRemote,
  flowRemotePort,
  flowWrite,
  flowsEqual,
  scratch,
} from "./flow";
import { NO_HANDING, handingOf } from "./handing";

const HEADER: u32 = FLOW + 8;
const PIECE: u32 = 4096 - HEADER;
/** 64 KiB: a flow, and the largest segment that a device gives at once. */
const ORDER: u32 = 4;

/** Export, by libos/optional/with_fork_network.ts: a segment for a connection of state INHERITED, its checksum verified. */
export function inheritedArrives(s: TcpSocket, segment: usize, length: u32, flags: u32): void {
  const handing = handingOf(s);
  if (handing == NO_HANDING || !handing.sent) return;
  flowWrite(s, scratch);
  store<u32>(scratch + FLOW, RX_CHECKSUM_VALID | (flags & ~((1 << RX_SERVICE_SHIFT) - 1)));
  for (let offset: u32 = 0; offset < length; offset += PIECE) {
    const count = min(length - offset, PIECE);
    const last = offset + count == length ? MESSAGE_LAST : 0;
    if (!mailboxBegin(MESSAGE_FRAME, last, handing.pid, HEADER + count)) return;
    store<u32>(scratch + FLOW, offset, 4);
    mailboxPut(scratch, HEADER);
    mailboxPut(segment + offset, count);
    mailboxEnd();
  }
}

/** A segment in pieces: where it is put together, behind its flow, from whom, and how much has come. */
let whole: usize = 0;
let wholeFrom: i32 = 0;
let wholeLength: u32 = 0;

/** In the child of a fork: what its parent was sent. */
export function framesForked(): void {
  drop();
}

function drop(): void {
  if (whole != 0) pagesFree(whole, ORDER);
  whole = 0;
}

/** Such a message from process `from`. */
export function frameArrives(payload: usize, length: u32, flags: u32, from: i32, now: u64): void {
  if (length < HEADER) return;
  const offset = load<u32>(payload + FLOW, 4);
  const last = (flags & MESSAGE_LAST) != 0;
  const count = length - HEADER;
  if (offset == 0 && last) {
    take(payload, payload + HEADER, count, load<u32>(payload + FLOW), now);
    return;
  }
  if (!collect(payload, offset, count, from)) drop();
  else if (last) {
    take(whole, whole + FLOW, wholeLength, load<u32>(payload + FLOW), now);
    drop();
  }
}

/** Puts a piece behind those before; false when it does not follow them. */
function collect(payload: usize, offset: u32, count: u32, from: i32): bool {
  if (offset == 0) {
    drop();
    whole = pagesAlloc(ORDER);
    if (whole == 0) return false;
    memory.copy(whole, payload, FLOW);
    wholeFrom = from;
    wholeLength = 0;
  }
  if (whole == 0 || from != wholeFrom || offset != wholeLength || !flowsEqual(payload, whole)) return false;
  if (count > ((<u32>1) << (PAGE_SHIFT + ORDER)) - FLOW - offset) return false;
  memory.copy(whole + FLOW + offset, payload + HEADER, count);
  wholeLength += count;
  return true;
}

/** Gives a segment to the connection that it is for, if there is one: nobody here may answer for what is another process's. */
function take(flow: usize, segment: usize, length: u32, flags: u32, now: u64): void {
  if (length < TCP_HEADER_SIZE || flowEndpoint(flow) == NO_ENDPOINT) return;
  if (bswap<u16>(load<u16>(segment)) != flowRemotePort(flow)) return;
  if (bswap<u16>(load<u16>(segment, 2)) != flowLocalPort(flow)) return;
  tcpInput(flowRemote(flow), flowLocal(flow), segment, length, flags, now);
  tcpFlush(now);
}
