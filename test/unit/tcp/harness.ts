// The TCP stack with everything below it, on a device whose frames go to the test; and a view of a connection's insides.
import { pagesAlloc, pagesFree, pagesFreeCount, pagesInit } from "../../../kernel/memory/pages";
import { orderFor } from "../../../kernel/memory/pages";
import { randomStir } from "../../../kernel/random";
import { clockStart } from "../../../kernel/time/clock";
import { timersNextDeadline, timersRun } from "../../../kernel/time/timer";
import { TIME_SYSTEM_TIME } from "../../../kernel/xen/shared_info";
import { interfaceConfigure } from "../../../libos/net/configure";
import { countersOf } from "../../../libos/net/counters";
import { Device, TransmitFrame, deviceRegister } from "../../../libos/net/device";
import { IP_ADDRESS_SIZE, IpAddress } from "../../../libos/net/ip/address";
import { interfaceDeadline, interfaceInput, interfacePoll } from "../../../libos/net/interface";
import { sharedInfo } from "../../../kernel/boot";
import {
  tcpAbort,
  tcpAccept,
  tcpBind,
  tcpClose,
  tcpConnect,
  tcpInit,
  tcpListen,
  tcpLocalPort,
  tcpPeek,
  tcpPollEvents,
  tcpReceive,
  tcpSend,
  tcpShutdown,
  tcpSocketCreate,
  tcpTakeError,
  tcpTakeReport,
} from "../../../libos/net/tcp/api";
import { tcpCounters } from "../../../libos/net/tcp/counters";
import { tcpInfoWrite } from "../../../libos/net/tcp/info";
import { halfOpenCount } from "../../../libos/net/tcp/half_open";
import { bufferPagesUsed } from "../../../libos/net/tcp/memory";
import { RANGES_MAX, rangeEnd, rangeListCount, rangeStart } from "../../../libos/net/tcp/range_list";
import { retransmissionLogCount } from "../../../libos/net/tcp/retransmission_log";
import { rangeCount } from "../../../libos/net/tcp/reassembly";
import {
  segmentAcceptable,
  sequenceLess,
  sequenceLessOrEqual,
  sequenceMax,
  sequenceWithin,
} from "../../../libos/net/tcp/sequence";
import { siphashBegin, siphashEnd, siphashWord } from "../../../libos/net/siphash";
import { TcpSocket, socketCount } from "../../../libos/net/tcp/socket";
import {
  tcpEcn,
  tcpSetCongestionControl,
  tcpSetCork,
  tcpSetEcn,
  tcpSetKeepAlive,
  tcpSetKeepAliveTimes,
  tcpSetLinger,
  tcpSetNoDelay,
  tcpSetQuickAck,
  tcpSetReceiveLimit,
  tcpSetReuseAddress,
  tcpSetSegmentMaximum,
  tcpSetSendLimit,
  tcpSetUserTimeout,
} from "../../../libos/net/tcp/socket_options";
import { tableCount } from "../../../libos/net/tcp/table";
import { timeWaitCount } from "../../../libos/net/tcp/time_wait";
import { TCP_SEGMENT_SIZE, TcpSegment, tcpParse, tcpSackLeft, tcpSackRight } from "../../../libos/net/wire/tcp";
import { attachedFrames, blockAllocate, blockFree, blocksInit, detach, gather, refuseAttach } from "./harness_blocks";
import { transmitAttach } from "./harness_blocks";
import { transmitted } from "./host";

const device = changetype<Device>(memory.data(64, 8));
const parsed = changetype<TcpSegment>(memory.data(TCP_SEGMENT_SIZE, 8));
let framesLeft: i32 = 1000000;
let framesHeld: i32 = 0;
let frameMaximum: u32 = 70000;
/** A page that the device keeps for one frame when memory is gone, 0 = none. */
let frameReserve: usize = 0;

function transmitAllocate(size: u32): TransmitFrame {
  if (framesLeft == 0 || size > frameMaximum) return changetype<TransmitFrame>(0);
  const order = orderFor(size + 64);
  let block = pagesAlloc(order);
  if (block == 0 && order == 0) block = frameReserve;
  if (block == 0) return changetype<TransmitFrame>(0);
  framesLeft -= 1;
  framesHeld += 1;
  const frame = changetype<TransmitFrame>(block);
  memory.fill(block, 0, offsetof<TransmitFrame>());
  frame.data = block + 64;
  frame.capacity = ((<u32>4096) << order) - 64;
  frame.buffer = order;
  return frame;
}

function transmitFree(frame: TransmitFrame): void {
  detach(frame);
  if (changetype<usize>(frame) != frameReserve) pagesFree(changetype<usize>(frame), frame.buffer);
  framesLeft += 1;
  framesHeld -= 1;
}

function transmit(frame: TransmitFrame): i32 {
  transmitted(gather(frame), frame.length, frame.flags, frame.gsoSize);
  transmitFree(frame);
  return 0;
}

/** Gives the stack its memory, a device with `features` and an address; `host` is the last byte of both addresses. */
export function start(memoryStart: usize, pages: u32, bufferPages: u32, host: u32, features: u32, mtu: u32): bool {
  pagesInit(memoryStart, memoryStart + ((<usize>pages) << 12));
  blocksInit();
  clockStart();
  randomStir();
  device.mac = 0x0000003e1600 | ((<u64>host) << 40);
  device.transmitAllocate = transmitAllocate.index;
  device.transmit = transmit.index;
  device.transmitFree = transmitFree.index;
  device.transmitAttach = transmitAttach.index;
  device.blockAllocate = blockAllocate.index;
  device.blockFree = blockFree.index;
  device.features = features;
  device.gsoMaximum = 65535;
  device.mtu = mtu;
  device.carrier = true;
  deviceRegister(device);
  if (!tcpInit(bufferPages)) return false;
  return interfaceConfigure(0x0a000000 | host, 24, 0, 0, 0);
}

/** Sets virtual time. */
export function setTime(now: u64): void {
  store<u64>(sharedInfo() + TIME_SYSTEM_TIME, now);
}

export function setFrames(count: i32): void {
  framesLeft = count;
}

export function reserveFrame(): void {
  frameReserve = pagesAlloc(0);
}

/** Larger frames are refused from now on, as when memory is in pieces. */
export function setFrameMaximum(size: u32): void {
  frameMaximum = size;
}

export function heldFrames(): i32 {
  return framesHeld;
}

export function pageBlock(order: u32): usize {
  return pagesAlloc(order);
}

export function pageBlockFree(block: usize, order: u32): void {
  pagesFree(block, order);
}

// A connection from inside, for tests that look at one variable. The order is that of the table in stack.ts.
export function socketField(s: TcpSocket, field: u32): u32 {
  switch (field) {
    case 0:
      return s.state;
    case 1:
      return s.sendUnacknowledged;
    case 2:
      return s.sendNext;
    case 3:
      return s.sendMax;
    case 4:
      return s.sendWindow;
    case 5:
      return s.receiveNext;
    case 6:
      return s.receiveEdge;
    case 7:
      return s.congestionWindow;
    case 8:
      return s.slowStartThreshold;
    case 9:
      return s.segmentSize;
    case 10:
      return s.flags;
    case 11:
      return <u32>(s.retransmissionTimeout / 1000000);
    case 12:
      return s.acceptCount;
    case 13:
      return s.halfOpenCount;
    case 14:
      return s.receiveBuffer.address == 0 ? 0 : (<u32>4096) << s.receiveBuffer.order;
    case 15:
      return s.sendBuffer.address == 0 ? 0 : (<u32>4096) << s.sendBuffer.order;
    case 16:
      return rangeCount(s);
    case 17:
      return <u32>(s.smoothedRoundTrip / 1000);
    case 18:
      return s.timestampRecent;
    case 19:
      return s.remotePort;
    case 20:
      return s.cubicMaximum;
    case 21:
      return s.receiveLimit;
    case 22:
      return s.sendLimit;
    case 23:
      return s.wantsRoom ? 1 : 0;
    default:
      return 0;
  }
}

export function rangeStartOf(s: TcpSocket, index: u32): u32 {
  return rangeStart(s.outOfOrder, index);
}

export function rangeEndOf(s: TcpSocket, index: u32): u32 {
  return rangeEnd(s.outOfOrder, index);
}

/** Parses and returns the address of the TcpSegment, 0 when refused. */
export function parse(address: usize, length: u32): usize {
  return tcpParse(address, length, parsed) ? changetype<usize>(parsed) : 0;
}

export function parsedField(field: u32): u32 {
  switch (field) {
    case 0:
      return parsed.payloadLength;
    case 1:
      return parsed.options;
    case 2:
      return parsed.mss;
    case 3:
      return parsed.windowScale;
    case 4:
      return parsed.sackCount;
    case 5:
      return parsed.timestampValue;
    case 6:
      return parsed.timestampEcho;
    case 7:
      return parsed.sequenceLength();
    case 8:
      return tcpSackLeft(parsed, 0);
    case 9:
      return tcpSackRight(parsed, parsed.sackCount - 1);
    default:
      return 0;
  }
}

/** Counter `index` of a group of libos/net/counters.ts. */
export function counter(group: u32, index: u32): u32 {
  return <u32>load<u64>(countersOf(group) + (index << 3));
}

/** The hash of two words. */
export function siphash(key0: u64, key1: u64, first: u64, second: u64): u64 {
  siphashBegin(key0, key1);
  siphashWord(first);
  siphashWord(second);
  return siphashEnd();
}

// The calls of sockets with IPv4 addresses in host order.
const given = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));

export function socketCreate(): TcpSocket {
  return tcpSocketCreate(false);
}

export function bind(s: TcpSocket, address: u32, port: u16): i32 {
  given.setIpv4(address);
  return tcpBind(s, given, port);
}

export function connect(s: TcpSocket, address: u32, port: u16, now: u64): i32 {
  given.setIpv4(address);
  return tcpConnect(s, given, port, now);
}

export function resetsSent(): u32 {
  return <u32>tcpCounters.outRsts;
}

/** What a socket asks of its IP headers: service fields, and hops plus one (0 = the default), for IPv4 and for IPv6. */
export function ask(s: TcpSocket, service: u8, timeToLive: u16, trafficClass: u8, hopLimit: u16): void {
  s.settings.service = service;
  s.settings.timeToLive = timeToLive;
  s.settings.trafficClass = trafficClass;
  s.settings.hopLimit = hopLimit;
}

export function rangesMax(): u32 {
  return RANGES_MAX;
}

export {
  attachedFrames,
  bufferPagesUsed,
  halfOpenCount,
  interfaceDeadline,
  interfaceInput,
  interfacePoll,
  pagesFreeCount,
  rangeListCount,
  refuseAttach,
  retransmissionLogCount,
  segmentAcceptable,
  sequenceLess,
  sequenceLessOrEqual,
  sequenceMax,
  sequenceWithin,
  socketCount,
  tableCount,
  tcpAbort,
  tcpAccept,
  tcpClose,
  tcpListen,
  tcpLocalPort,
  tcpPeek,
  tcpPollEvents,
  tcpReceive,
  tcpSend,
  tcpEcn,
  tcpSetCongestionControl,
  tcpSetCork,
  tcpSetEcn,
  tcpSetKeepAlive,
  tcpSetKeepAliveTimes,
  tcpSetLinger,
  tcpSetNoDelay,
  tcpSetQuickAck,
  tcpSetReceiveLimit,
  tcpSetReuseAddress,
  tcpSetSegmentMaximum,
  tcpSetSendLimit,
  tcpSetUserTimeout,
  tcpInfoWrite,
  tcpShutdown,
  tcpTakeError,
  tcpTakeReport,
  timeWaitCount,
  timersNextDeadline,
  timersRun,
};
