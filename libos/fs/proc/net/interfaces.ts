// /proc/net/dev and /proc/net/route: the interfaces lo and eth0 with their counters, and the routes of IPv4 (proc(5)). Addresses of routes are
// in hexadecimal as this machine loads them from a packet.
import { TextBuffer } from "../../../../kernel/text";
import { interfaceAddress, interfaceGateway, interfaceMask } from "../../../net/addresses";
import { InterfaceCounters, eth0Counters, loCounters } from "../../../net/counters";
import { routeAt, routesCount } from "../../../net/ipv4/route_table";
import { writeBlanks, writeHex, writeRight } from "../writer";

// Flags of routes (linux/route.h).
const RTF_UP: u32 = 1;
const RTF_GATEWAY: u32 = 2;

/** Every line of routes is as long as this, without its end. */
const ROUTE_WIDTH: u32 = 127;

export function writeInterfaces(out: TextBuffer): void {
  out.text("Inter-|   Receive                                                |  Transmit\n");
  out.text(" face |bytes    packets errs drop fifo frame compressed multicast");
  out.text("|bytes    packets errs drop fifo colls carrier compressed\n");
  writeInterface(out, "    lo:", loCounters);
  writeInterface(out, "  eth0:", eth0Counters);
}

function writeInterface(out: TextBuffer, name: string, counters: InterfaceCounters): void {
  out.text(name);
  column(out, counters.rxBytes, 7);
  column(out, counters.rxPackets, 7);
  column(out, counters.rxErrors, 4);
  column(out, counters.rxDropped, 4);
  column(out, 0, 4); // no FIFO that could overrun
  column(out, 0, 5);
  column(out, 0, 10);
  column(out, counters.multicast, 9);
  column(out, counters.txBytes, 8);
  column(out, counters.txPackets, 7);
  column(out, counters.txErrors, 4);
  column(out, counters.txDropped, 4);
  column(out, 0, 4);
  column(out, 0, 5);
  column(out, 0, 7);
  column(out, 0, 10);
  out.byte(0x0a);
}

function column(out: TextBuffer, value: u64, width: u32): void {
  out.byte(0x20);
  writeRight(out, value, width);
}

export function writeRoutes(out: TextBuffer): void {
  const start = out.length;
  out.text("Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT");
  end(out, start);
  const address = interfaceAddress();
  if (address == 0) return;
  const gateway = interfaceGateway();
  if (gateway != 0) writeRoute(out, 0, gateway, 0);
  for (let i: u32 = 0; i < routesCount(); i++) {
    const route = routeAt(i);
    writeRoute(out, route.destination, route.router, route.mask);
  }
  const mask = interfaceMask();
  writeRoute(out, address & mask, 0, mask);
}

function writeRoute(out: TextBuffer, destination: u32, router: u32, mask: u32): void {
  const start = out.length;
  out.text("eth0\t");
  writeHex(out, bswap<u32>(destination), 8);
  out.byte(0x09);
  writeHex(out, bswap<u32>(router), 8);
  out.byte(0x09);
  writeHex(out, router == 0 ? RTF_UP : RTF_UP | RTF_GATEWAY, 4);
  out.text("\t0\t0\t0\t");
  writeHex(out, bswap<u32>(mask), 8);
  out.text("\t0\t0\t0");
  end(out, start);
}

/** Ends a line that began at `start`. */
function end(out: TextBuffer, start: u32): void {
  const length = out.length - start;
  if (length < ROUTE_WIDTH) writeBlanks(out, ROUTE_WIDTH - length);
  out.byte(0x0a);
}
