// The whole input path of the network, from Ethernet frames to what the application reads. The input is a sequence of records:
//   u8 kind, u16 length (little endian), a frame of so many bytes
// Bits of kind: 1 and 2, the flags RX_CHECKSUM_VALID and RX_CHECKSUM_BLANK; 4, the checksum of the IPv4 header or of ICMPv6 is made right; 8, the frame is
// made an answer to what the stack sent last (DHCP's transaction, TCP's acknowledgment number); 16 … 128, time that passes before.
// The first byte of the input says whether the interface has a static address, or asks a DHCP server for one.
import { sharedInfo } from "../../kernel/boot";
import { orderFor, pagesAlloc, pagesFree, pagesFreeCount, pagesInit } from "../../kernel/memory/pages";
import { randomStir } from "../../kernel/random";
import { clockStart } from "../../kernel/time/clock";
import { timersNextDeadline, timersRun } from "../../kernel/time/timer";
import { TIME_SYSTEM_TIME } from "../../kernel/xen/shared_info";
import { interfaceConfigure } from "../../libos/net/configure";
import { Device, TransmitFrame, deviceRegister } from "../../libos/net/device";
import { dhcpStart, dhcpStop } from "../../libos/net/dhcp/client";
import { interfaceInput, interfacePoll } from "../../libos/net/interface";
import { IpAddress, addressAt } from "../../libos/net/ip/address";
import { ipv6Enable } from "../../libos/net/ipv6/autoconfiguration";
import {
  tcpAccept,
  tcpBind,
  tcpClose,
  tcpInit,
  tcpListen,
  tcpReceive,
  tcpSend,
  tcpSocketCreate,
} from "../../libos/net/tcp/api";
import { halfOpenCount } from "../../libos/net/tcp/half_open";
import { bufferPagesUsed } from "../../libos/net/tcp/memory";
import { NO_SOCKET, TcpSocket, socketCount } from "../../libos/net/tcp/socket";
import { timeWaitCount } from "../../libos/net/tcp/time_wait";
import { transportChecksum, transportRegister } from "../../libos/net/transport";
import { UdpPeer, udpIcmpError, udpInput, udpReceiveFrom } from "../../libos/net/udp/input";
import { udpPoll } from "../../libos/net/udp/output";
import { UdpSocket, udpBind, udpClose, udpSocketCreate } from "../../libos/net/udp/socket";
import { checksumAdd, checksumFinish } from "../../libos/net/wire/checksum";
import { IPPROTO_TCP, IPPROTO_UDP } from "../../libos/net/wire/ipv4";

const OUR_ADDRESS: u32 = 0x0a00020f;
const GATEWAY: u32 = 0x0a000202;
const TCP_PORT: u16 = 80;
const UDP_PORT: u16 = 5000;

/** Pages that allocators and tables keep when they have been used once. */
const SLABS: u32 = 24;

const REPAIR: u32 = 4;
const ANSWER: u32 = 8;
const ETHERNET: u32 = 14;
const IPV6_PAYLOAD: u32 = 54;
const IPPROTO_ICMPV6: u8 = 58;
/** Where the number of a DHCP message stands in a frame without IP options. */
const DHCP_TRANSACTION: u32 = 46;

const device = changetype<Device>(memory.data(64, 8));
const any = changetype<IpAddress>(memory.data(16, 8));
let now: u64 = 1_000_000_000;
let listener: TcpSocket = NO_SOCKET;
let connection: TcpSocket = NO_SOCKET;
let datagrams: UdpSocket = changetype<UdpSocket>(0);
let scratch: usize = 0;
let framesHeld: u32 = 0;
let freeBefore: u32 = 0;
let lastTransaction: u32 = 0;
let lastAcknowledgment: u32 = 0;

function transmitAllocate(size: u32): TransmitFrame {
  const order = orderFor(size + 64);
  const block = pagesAlloc(order);
  if (block == 0) return changetype<TransmitFrame>(0);
  const frame = changetype<TransmitFrame>(block);
  memory.fill(block, 0, offsetof<TransmitFrame>());
  frame.data = block + 64;
  frame.capacity = ((<u32>4096) << order) - 64;
  frame.buffer = order;
  framesHeld += 1;
  return frame;
}

function transmitFree(frame: TransmitFrame): void {
  framesHeld -= 1;
  pagesFree(changetype<usize>(frame), frame.buffer);
}

/** Remembers what an answer to the frame would have to carry. */
function transmit(frame: TransmitFrame): i32 {
  const packet = frame.data + ETHERNET;
  if (frame.length >= ETHERNET + 40 && load<u16>(frame.data + 12) == 0x0008) {
    const protocol = load<u8>(packet + 9);
    if (protocol == IPPROTO_TCP) {
      const header = (<u32>(load<u8>(packet + 32) >> 4)) << 2;
      const flags = load<u8>(packet + 33);
      const text = frame.length - ETHERNET - 20 - header;
      lastAcknowledgment = bswap<u32>(load<u32>(packet + 24)) + text + (flags & 1) + ((flags >> 1) & 1);
    } else if (protocol == IPPROTO_UDP && frame.length > DHCP_TRANSACTION + 4) {
      lastTransaction = load<u32>(frame.data + DHCP_TRANSACTION);
    }
  }
  transmitFree(frame);
  return 0;
}

export function _start(): void {}

export function fuzzStart(memoryStart: usize, memoryEnd: usize): void {
  pagesInit(memoryStart, memoryEnd);
  setTime();
  clockStart();
  randomStir();
  scratch = pagesAlloc(4);
  device.mac = 0x0100003e1600;
  device.transmitAllocate = transmitAllocate.index;
  device.transmit = transmit.index;
  device.transmitFree = transmitFree.index;
  device.mtu = 1500;
  device.carrier = true;
  deviceRegister(device);
  transportRegister(IPPROTO_UDP, udpInput.index, udpIcmpError.index, udpPoll.index);
  tcpInit(256);
  ipv6Enable();
}

/** Of both families. */
function openSockets(): void {
  any.clear();
  datagrams = udpSocketCreate(true);
  udpBind(datagrams, any, UDP_PORT);
  listener = tcpSocketCreate(true);
  tcpBind(listener, any, TCP_PORT);
  tcpListen(listener, 4);
}

function setTime(): void {
  store<u64>(sharedInfo() + TIME_SYSTEM_TIME, now);
}

/** Lets time pass as far as 4^`steps` ms, running what is due on the way. */
function pass(steps: u32): void {
  if (steps == 0) return;
  const end = now + ((<u64>1_000_000) << (steps << 1));
  for (let left = 64; left != 0; left--) {
    const due = timersNextDeadline();
    now = due > now && due < end ? due : end;
    setTime();
    timersRun(now);
    interfacePoll(now);
    if (now == end) return;
  }
  now = end;
  setTime();
}

/** Makes the checksum of an IPv4 header right, or of an ICMPv6 message. */
function repair(frame: usize, length: u32): void {
  if (load<u16>(frame + 12) == 0xdd86) {
    const count = min<u32>(bswap<u16>(load<u16>(frame + 18)), length - IPV6_PAYLOAD);
    if (load<u8>(frame + 20) != IPPROTO_ICMPV6 || count < 8) return;
    store<u16>(frame + IPV6_PAYLOAD + 2, 0);
    const sum = transportChecksum(
      addressAt(frame + 22),
      addressAt(frame + 38),
      IPPROTO_ICMPV6,
      frame + IPV6_PAYLOAD,
      count,
    );
    store<u16>(frame + IPV6_PAYLOAD + 2, sum);
    return;
  }
  const header = (<u32>(load<u8>(frame + ETHERNET) & 15)) << 2;
  if (length < ETHERNET + header || header < 20) return;
  store<u16>(frame + ETHERNET + 10, 0);
  store<u16>(frame + ETHERNET + 10, checksumFinish(checksumAdd(0, frame + ETHERNET, header)));
}

function makeAnswer(frame: usize, length: u32): void {
  const protocol = load<u8>(frame + ETHERNET + 9);
  if (protocol == IPPROTO_TCP) store<u32>(frame + 42, bswap<u32>(lastAcknowledgment));
  else if (protocol == IPPROTO_UDP && length >= DHCP_TRANSACTION + 4)
    store<u32>(frame + DHCP_TRANSACTION, lastTransaction);
}

/** What an application does: takes connections and reads, and sends back what it has read. */
function application(): void {
  udpReceiveFrom(datagrams, scratch, 65536, changetype<UdpPeer>(0));
  if (connection == NO_SOCKET) connection = tcpAccept(listener);
  if (connection == NO_SOCKET) return;
  const count = tcpReceive(connection, scratch, 4096, now);
  if (count > 0) tcpSend(connection, scratch, count, now, false);
}

export function fuzzOne(at: usize, length: u32): void {
  if (length == 0) return;
  freeBefore = pagesFreeCount();
  openSockets();
  if ((load<u8>(at) & 1) == 0) interfaceConfigure(OUR_ADDRESS, 24, GATEWAY, 0, now);
  else dhcpStart(0, now);
  const memoryEnd = at + length;
  let position = at + 1;
  while (position + 3 <= memoryEnd) {
    const kind: u32 = load<u8>(position);
    const size = min<u32>(load<u16>(position + 1), memoryEnd - position - 3);
    position += 3;
    if (size > 0) frameInput(kind, position, size, memoryEnd);
    position += size;
  }
  for (let i: u32 = 0; i < 4; i++) pass(6);
  closeSockets();
  for (let i: u32 = 0; i < 4; i++) pass(10);
  if (socketCount() != 0 || halfOpenCount() != 0 || timeWaitCount() != 0 || bufferPagesUsed() != 0) unreachable();
  if (framesHeld != 0 || pagesFreeCount() + SLABS < freeBefore) unreachable();
}

/** What frames have made of connections is over when its time has come, and all memory is back. */
function closeSockets(): void {
  udpClose(datagrams);
  tcpClose(listener, now);
  if (connection != NO_SOCKET) tcpClose(connection, now);
  dhcpStop();
}

/** The frame is moved to where memory ends: the records behind it are kept first. */
function frameInput(kind: u32, from: usize, size: u32, memoryEnd: usize): void {
  const rest = <u32>(memoryEnd - from);
  memory.copy(scratch, from, rest);
  const frame = memoryEnd - size;
  memory.copy(frame, scratch, size);
  pass(kind >> 4);
  if (size >= IPV6_PAYLOAD) {
    if ((kind & ANSWER) != 0) makeAnswer(frame, size);
    if ((kind & REPAIR) != 0) repair(frame, size);
  }
  interfaceInput(frame, size, kind & 3, now);
  interfacePoll(now);
  memory.copy(from, scratch, rest);
  application();
}
