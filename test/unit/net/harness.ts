// The network stack without TCP on a device whose frames go to the test. Exports are what the tests call.
import { pageAlloc, pagesAlloc, pagesFree, pagesFreeCount, pagesInit } from "../../../kernel/memory/pages";
import { randomStir } from "../../../kernel/random";
import { interfaceAddress, interfaceGateway, interfaceMask, interfaceMtu } from "../../../libos/net/addresses";
import { countersOf } from "../../../libos/net/counters";
import { conflictFound, conflictProbe } from "../../../libos/net/arp/conflict";
import { NetworkConfiguration, configurationParse } from "../../../libos/net/configuration";
import { interfaceConfigure, interfaceUnconfigure } from "../../../libos/net/configure";
import { Device, TransmitFrame, deviceRegister } from "../../../libos/net/device";
import { dhcpFollow, dhcpLead, dhcpReboot, dhcpStart, dhcpState, dhcpStop } from "../../../libos/net/dhcp/client";
import { dhcpDomainSearch, domainSearchTake } from "../../../libos/net/dhcp/domain_search";
import { Lease, dhcpLease } from "../../../libos/net/dhcp/lease";
import {
  interfaceDeadline,
  interfaceInput,
  interfaceLinkChanged,
  interfacePoll,
  interfaceSuspend,
} from "../../../libos/net/interface";
import { ipv4PathMtu } from "../../../libos/net/ipv4/output";
import { loopbackQueued } from "../../../libos/net/loopback";
import { IP_ADDRESS_SIZE, IpAddress } from "../../../libos/net/ip/address";
import { pathMtuLower } from "../../../libos/net/ip/path_mtu";
import { ephemeralPort } from "../../../libos/net/ports";
import { transportRegister } from "../../../libos/net/transport";
import {
  UDP_PEER_SIZE,
  UdpPeer,
  udpIcmpError,
  udpInput,
  udpPeekFrom,
  udpReceiveFrom,
} from "../../../libos/net/udp/input";
import { udpPoll, udpSendTo } from "../../../libos/net/udp/output";
import {
  UdpSocket,
  udpBind,
  udpClose,
  udpConnect,
  udpDisconnect,
  udpPollEvents,
  udpSetReceiveLimit,
  udpShutdown,
  udpSocketCreate,
  udpTakeError,
} from "../../../libos/net/udp/socket";
import { checksum, checksumAdd, checksumFold } from "../../../libos/net/wire/checksum";
import { IPPROTO_UDP } from "../../../libos/net/wire/ipv4";
import { addressChanged, transmitted } from "./harness_host";

const device = changetype<Device>(memory.data(64, 8));
const peer = changetype<UdpPeer>(memory.data(UDP_PEER_SIZE, 8));
const given = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));
let buffersLeft: i32 = 0;
let buffersUsed: i32 = 0;

function transmitAllocate(size: u32): TransmitFrame {
  if (buffersLeft == 0 || size > 4000) return changetype<TransmitFrame>(0);
  const page = pageAlloc();
  if (page == 0) return changetype<TransmitFrame>(0);
  buffersLeft -= 1;
  buffersUsed += 1;
  const frame = changetype<TransmitFrame>(page);
  memory.fill(page, 0, offsetof<TransmitFrame>());
  frame.data = page + 64;
  frame.capacity = 4000;
  return frame;
}

function transmitFree(frame: TransmitFrame): void {
  pagesFree(changetype<usize>(frame), 0);
  buffersLeft += 1;
  buffersUsed -= 1;
}

function transmit(frame: TransmitFrame): i32 {
  transmitted(frame.data, frame.length, frame.flags, frame.gsoSize);
  transmitFree(frame);
  return 0;
}

function onLease(lease: Lease): void {
  addressChanged(changetype<usize>(lease) != 0 ? 1 : 0);
}

/** Gives the stack `pages` pages of memory from `start` on and a device with `buffers` frames. */
export function start(memoryStart: usize, pages: u32, buffers: u32, features: u32): void {
  pagesInit(memoryStart, memoryStart + ((<usize>pages) << 12));
  randomStir();
  buffersLeft = buffers;
  device.mac = 0x0100003e1600; // 00:16:3e:00:00:01
  device.transmitAllocate = transmitAllocate.index;
  device.transmit = transmit.index;
  device.transmitFree = transmitFree.index;
  device.features = features;
  device.mtu = 1500;
  device.carrier = true;
  deviceRegister(device);
  transportRegister(IPPROTO_UDP, udpInput.index, udpIcmpError.index, udpPoll.index);
}

export function setBuffers(count: u32): void {
  buffersLeft = count;
}

export function usedBuffers(): u32 {
  return buffersUsed;
}

export function setCarrier(up: bool, now: u64): void {
  device.carrier = up;
  interfaceLinkChanged(now);
}

export function pageBlock(order: u32): usize {
  return pagesAlloc(order);
}

export function freePages(): u32 {
  return pagesFreeCount();
}

export function runDhcp(now: u64): i32 {
  return dhcpStart(onLease.index, now);
}

export function leaseField(index: u32): u32 {
  return load<u32>(changetype<usize>(dhcpLease()) + (index << 2));
}

export function receive(socket: UdpSocket, target: usize, count: u32): i32 {
  return udpReceiveFrom(socket, target, count, peer);
}

export function peek(socket: UdpSocket, target: usize, count: u32): i32 {
  return udpPeekFrom(socket, target, count, peer);
}

export function peerAddress(): u32 {
  return peer.address.ipv4();
}

export function peerPort(): u32 {
  return peer.port;
}

export function peerLength(): u32 {
  return peer.length;
}

export function socketLocalAddress(socket: UdpSocket): u32 {
  return socket.local.ipv4();
}

// The calls of sockets with IPv4 addresses in host order; 0 is "any", and no peer.

export function bind(socket: UdpSocket, address: u32, port: u16): i32 {
  given.setIpv4(address);
  return udpBind(socket, given, port);
}

export function connect(socket: UdpSocket, address: u32, port: u16): i32 {
  given.setIpv4(address);
  if (address != 0) return udpConnect(socket, given, port);
  udpDisconnect(socket);
  return 0;
}

export function sendTo(socket: UdpSocket, data: usize, count: u32, address: u32, port: u16, now: u64): i32 {
  given.setIpv4(address);
  return udpSendTo(socket, data, count, address == 0 ? changetype<IpAddress>(0) : given, port, now);
}

export function lowerPathMtu(destination: u32, mtu: u32, now: u64): bool {
  given.setIpv4(destination);
  return pathMtuLower(given, mtu, now);
}

export function socketCreate(): UdpSocket {
  return udpSocketCreate(false);
}

export function socketLocalPort(socket: UdpSocket): u32 {
  return socket.localPort;
}

export function socketReuse(socket: UdpSocket): void {
  socket.reuseAddress = true;
}

export function socketBroadcast(socket: UdpSocket): void {
  socket.broadcast = true;
}

/** What a socket asks of its IPv4 headers; `timeToLive` is one more than the value, 0 = the default. */
export function ask(socket: UdpSocket, service: u8, timeToLive: u16): void {
  socket.settings.service = service;
  socket.settings.timeToLive = timeToLive;
}

export function socketDrops(socket: UdpSocket): u32 {
  return socket.drops;
}

export function domainSearch(): usize {
  return changetype<usize>(dhcpDomainSearch());
}

const parsed = changetype<NetworkConfiguration>(memory.data(32, 8));

/** Parses an ip= option; the result is read with configurationField(). */
export function parseConfiguration(text: usize, length: u32): i32 {
  return configurationParse(parsed, text, length);
}

export function configurationField(index: u32): u32 {
  return load<u32>(changetype<usize>(parsed) + (index << 2));
}

function neverInUse(_port: u16, _context: usize): bool {
  return false;
}

function alwaysInUse(_port: u16, _context: usize): bool {
  return true;
}

function lowHalfInUse(port: u16, context: usize): bool {
  return port < context;
}

/** A port while all below `bound` are in use; 0 = none is in use, 65536 = all are. */
export function choosePort(bound: u32): i32 {
  if (bound == 0) return ephemeralPort(neverInUse.index, 0);
  return bound == 65536 ? ephemeralPort(alwaysInUse.index, 0) : ephemeralPort(lowHalfInUse.index, bound);
}

/** Counter `index` of a group of libos/net/counters.ts. */
export function counter(group: u32, index: u32): u64 {
  return load<u64>(countersOf(group) + (index << 3));
}

/** Checksum of two parts, the first of even length, as they stand in memory. */
export function checksumOfParts(first: usize, firstLength: u32, second: usize, secondLength: u32): u32 {
  return checksumFold(checksumAdd(checksumAdd(0, first, firstLength), second, secondLength));
}

export {
  checksum,
  conflictFound,
  conflictProbe,
  dhcpFollow,
  dhcpLead,
  dhcpReboot,
  dhcpState,
  dhcpStop,
  domainSearchTake,
  interfaceAddress,
  interfaceConfigure,
  interfaceDeadline,
  interfaceGateway,
  interfaceInput,
  interfaceMask,
  interfaceMtu,
  interfacePoll,
  interfaceSuspend,
  interfaceUnconfigure,
  ipv4PathMtu,
  loopbackQueued,
  udpClose,
  udpPollEvents,
  udpSetReceiveLimit,
  udpShutdown,
  udpTakeError,
};
