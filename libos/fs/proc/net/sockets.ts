// /proc/net/tcp, tcp6, udp and udp6: a line for each socket (proc(5)), with the columns of Linux. Addresses are in hexadecimal, as words that this
// machine loads from a packet. A socket's inode is what its link in /proc/self/fd says.
import { TextBuffer } from "../../../../kernel/text";
import { IpAddress } from "../../../net/ip/address";
import { boundFirst, boundNext } from "../../../net/tcp/bound_ports";
import { ENDPOINT_SOCKET, TcpEndpoint } from "../../../net/tcp/endpoint";
import { receiveAvailable } from "../../../net/tcp/receive_queue";
import { NO_SOCKET, TcpSocket } from "../../../net/tcp/socket";
import {
  CLOSED,
  CLOSE_WAIT,
  CLOSING,
  FIN_WAIT_1,
  FIN_WAIT_2,
  INHERITED,
  LAST_ACK,
  LISTEN,
  SYN_RECEIVED,
  SYN_SENT,
  TIME_WAIT,
} from "../../../net/tcp/state";
import { NO_ENDPOINT, tableChain, tableChains } from "../../../net/tcp/table";
import { UdpSocket, udpFirst, udpNext } from "../../../net/udp/socket";
import { descriptorsFind } from "../../../process/descriptors";
import { KIND_TCP, KIND_UDP } from "../../../process/open_file";
import { writeBlanks, writeHex, writeRight } from "../writer";

const TCP_WIDTH: u32 = 149;
const UDP_WIDTH: u32 = 127;
/** States of UDP sockets are those of TCP: connected, and not. */
const STATE_ESTABLISHED: u32 = 1;
const STATE_CLOSE: u32 = 7;

/** The number of a state in Linux (net/tcp_states.h). */
function stateNumber(state: u8): u32 {
  switch (state) {
    case SYN_SENT:
      return 2;
    case SYN_RECEIVED:
      return 3;
    case FIN_WAIT_1:
      return 4;
    case FIN_WAIT_2:
      return 5;
    case TIME_WAIT:
      return 6;
    case CLOSED:
      return STATE_CLOSE;
    case CLOSE_WAIT:
      return 8;
    case LAST_ACK:
      return 9;
    case LISTEN:
      return 10;
    case CLOSING:
      return 11;
    default:
      return STATE_ESTABLISHED;
  }
}

/** Writes the sockets of one family: listeners, and all that are or were connected. What another process of the family has is not ours. */
export function writeTcp(out: TextBuffer, ipv6: bool): void {
  const start = out.length;
  out.text("  sl  local_address ");
  out.text(ipv6 ? "                        remote_address                        st" : "rem_address   st");
  out.text(" tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode");
  endLine(out, start, ipv6 ? 0 : TCP_WIDTH);
  let line: u32 = 0;
  for (let s = boundFirst(); s != NO_SOCKET; s = boundNext(s)) {
    if (s.state == LISTEN && s.ipv6 == ipv6) writeEndpoint(out, s, ipv6, line++);
  }
  for (let i: u32 = 0; i < tableChains(); i++) {
    for (let e = tableChain(i); e != NO_ENDPOINT; e = changetype<TcpEndpoint>(e.hashNext)) {
      if (e.state != INHERITED && isOfFamily(e, ipv6)) writeEndpoint(out, e, ipv6, line++);
    }
  }
}

/** What is only remembered belongs to the family of its addresses. */
function isOfFamily(e: TcpEndpoint, ipv6: bool): bool {
  return (e.kind == ENDPOINT_SOCKET ? changetype<TcpSocket>(e).ipv6 : !e.remote.isIpv4()) == ipv6;
}

function writeEndpoint(out: TextBuffer, e: TcpEndpoint, ipv6: bool, line: u32): void {
  const start = out.length;
  writeRight(out, line, 4);
  writeEnds(out, e.local, e.localPort, e.remote, e.remotePort, ipv6);
  const s = e.kind == ENDPOINT_SOCKET ? changetype<TcpSocket>(e) : NO_SOCKET;
  let sending: u32 = 0;
  let received: u32 = 0;
  let inode: usize = 0;
  if (s != NO_SOCKET) {
    // Of a listener: connections that wait, and how many may.
    sending = s.state == LISTEN ? s.backlog : s.sendBuffer.length;
    received = s.state == LISTEN ? s.acceptCount : receiveAvailable(s);
    inode = changetype<usize>(descriptorsFind(KIND_TCP, changetype<usize>(s)));
  }
  writeQueues(out, stateNumber(e.state), sending, received, s == NO_SOCKET ? 0 : s.retransmissions, inode);
  out.text(" 1 0000000000000000");
  if (s != NO_SOCKET && s.state != LISTEN) out.text(" 20 4 0 10 -1");
  endLine(out, start, ipv6 ? 0 : TCP_WIDTH);
}

export function writeUdp(out: TextBuffer, ipv6: bool): void {
  const start = out.length;
  out.text(ipv6 ? "  sl  local_address " : "   sl  local_address ");
  out.text(ipv6 ? "                        remote_address                        st" : "rem_address   st");
  out.text(" tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops");
  endLine(out, start, ipv6 ? 0 : UDP_WIDTH);
  for (let s = udpFirst(); changetype<usize>(s) != 0; s = udpNext(s)) {
    if (s.ipv6 == ipv6) writeUdpSocket(out, s, ipv6);
  }
}

function writeUdpSocket(out: TextBuffer, s: UdpSocket, ipv6: bool): void {
  const start = out.length;
  writeRight(out, s.localPort, 5); // Linux: the bucket of the port
  writeEnds(out, s.local, s.localPort, s.remote, s.remotePort, ipv6);
  const inode = changetype<usize>(descriptorsFind(KIND_UDP, changetype<usize>(s)));
  writeQueues(out, s.remotePort != 0 ? STATE_ESTABLISHED : STATE_CLOSE, 0, s.queued, 0, inode);
  out.text(" 2 0000000000000000 ").decimal(s.drops);
  endLine(out, start, ipv6 ? 0 : UDP_WIDTH);
}

function writeEnds(out: TextBuffer, local: IpAddress, port: u16, remote: IpAddress, remotePort: u16, ipv6: bool): void {
  out.text(": ");
  writeEnd(out, local, port, ipv6);
  out.byte(0x20);
  writeEnd(out, remote, remotePort, ipv6);
}

function writeEnd(out: TextBuffer, address: IpAddress, port: u16, ipv6: bool): void {
  if (ipv6) {
    writeHex(out, <u32>address.high, 8);
    writeHex(out, <u32>(address.high >> 32), 8);
    writeHex(out, <u32>address.low, 8);
  }
  writeHex(out, <u32>(address.low >> 32), 8);
  out.byte(0x3a);
  writeHex(out, port, 4);
}

/** The columns from the state to the inode. Timers are not told; all belong to user 0. */
function writeQueues(out: TextBuffer, state: u32, sending: u32, received: u32, again: u32, inode: usize): void {
  out.byte(0x20);
  writeHex(out, state, 2);
  out.byte(0x20);
  writeHex(out, sending, 8);
  out.byte(0x3a);
  writeHex(out, received, 8);
  out.text(" 00:00000000 ");
  writeHex(out, again, 8);
  out.text("     0        0 ").decimal(inode);
}

/** Ends a line that began at `start`; it is at least `width` long. */
function endLine(out: TextBuffer, start: u32, width: u32): void {
  const length = out.length - start;
  if (length < width) writeBlanks(out, width - length);
  out.byte(0x0a);
}
