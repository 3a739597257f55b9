// The network as a whole: reads the command line, starts the stack and the device, keeps the clock of the stack.
//
// The console says what address the interface has, in one line that tools and tests parse:
//   net: eth0 10.0.2.15/24 gateway 10.0.2.2 by DHCP (lease 86400 s)
//   net: eth0 10.0.2.20/24 gateway 10.0.2.2 static
//   net: eth0 10.0.2.15/24 by DHCP (lease for ever)          (no gateway)
//   net: eth0 address 10.0.2.15 lost: lease expired          (dhcp/client.ts)
//   net: eth0 fd00::216:3eff:fe00:44/64 by router advertisement (ipv6/autoconfiguration.ts; also: link-local, static)
// Options: ip=… (configuration.ts), ip6=… (ipv6/configuration.ts), hostname=<name> (told to the DHCP server).
import { EINVAL, ENODEV, ENOMEM, ETIMEDOUT } from "../../kernel/errno";
import { TextSpan, commandLineOption } from "../../kernel/command_line";
import { LogLine, log } from "../../kernel/log";
import { memoryFreePages } from "../../kernel/memory/frames";
import { suspendRegister } from "../../kernel/power/suspend";
import { WaitQueue, wakeAll, waitOn } from "../../kernel/thread/wait_queue";
import { monotonicNow } from "../../kernel/time/clock";
import { TIMER_SIZE, Timer, timerInit, timerSet } from "../../kernel/time/timer";
import { workRaise, workRegister } from "../../kernel/work";
import { interfaceAddress, interfaceGateway, interfaceMask } from "./addresses";
import {
  NETWORK_CONFIGURATION_SIZE,
  NETWORK_DHCP,
  NETWORK_STATIC,
  NETWORK_OFF,
  NetworkConfiguration,
  configurationParse,
} from "./configuration";
import { interfaceConfigure } from "./configure";
import { dhcpStart } from "./dhcp/client";
import { LEASE_INFINITE, Lease, NAME_SERVERS, dhcpLease } from "./dhcp/lease";
import { dhcpSetHostName } from "./dhcp/request";
import { resolverForget } from "../optional/with_resolve";
import { interfaceDeadline, interfacePoll, interfaceSuspend } from "./interface";
import { ipv6Enable } from "./ipv6/autoconfiguration";
import { ipv6Option } from "./ipv6/configuration";
import { loopbackQueued } from "./loopback";
import { netfrontRestored, netfrontStart } from "./netfront/netfront";
import { tcpInit } from "./tcp/api";
import { transportRegister } from "./transport";
import { udpIcmpError, udpInput } from "./udp/input";
import { udpPoll } from "./udp/output";
import { IPPROTO_UDP } from "./wire/ipv4";

/** How long networkStart() waits for an address, in ns. */
const ADDRESS_PATIENCE: u64 = 10_000_000_000;

const configuration = changetype<NetworkConfiguration>(memory.data(NETWORK_CONFIGURATION_SIZE, 8));
const option = changetype<TextSpan>(memory.data(8, 4));
const timer = changetype<Timer>(memory.data(TIMER_SIZE, 8));
const addressQueue = changetype<WaitQueue>(memory.data(8, 4));

/**
 * Starts the network and waits until the interface has an address. Call once, from a thread.
 * @returns 0 with an address, or when none was asked for; -ENODEV without a device; -ETIMEDOUT when no server has
 * answered yet (the client goes on asking); -EINVAL for an option that cannot be understood; -ENOMEM
 */
export function networkStart(): i32 {
  transportRegister(IPPROTO_UDP, udpInput.index, udpIcmpError.index, udpPoll.index);
  if (!tcpInit(memoryFreePages() >> 1)) return -ENOMEM;
  timerInit(timer, onTimer.index, 0);
  workRegister(networkWork.index);
  const parsed = readOptions();
  if (parsed != 0 || configuration.mode == NETWORK_OFF) return parsed;
  suspendRegister(interfaceSuspend.index, networkResume.index);
  const present = netfrontStart();
  if (!present) log("net").text("no network device yet").end();
  const started = configuration.mode == NETWORK_STATIC ? startStatic() : dhcpStart(onLease.index, monotonicNow());
  if (started != 0 || interfaceAddress() != 0) return started;
  // A device that is attached later gets its address then.
  return present ? waitForAddress() : -ENODEV;
}

/** Name server `index` (0 …) in host order; 0 = no more. */
export function networkNameServer(index: u32): u32 {
  if (index >= NAME_SERVERS) return 0;
  if (configuration.mode == NETWORK_STATIC) {
    const first = changetype<usize>(configuration) + offsetof<NetworkConfiguration>("nameServer0");
    return load<u32>(first + (index << 2));
  }
  if (!networkUsesDhcp()) return 0;
  return load<u32>(changetype<usize>(dhcpLease()) + offsetof<Lease>("nameServer0") + (index << 2));
}

/** True while the interface has its address from a DHCP server. */
export function networkUsesDhcp(): bool {
  return configuration.mode == NETWORK_DHCP && interfaceAddress() != 0;
}

function readOptions(): i32 {
  if (commandLineOption("hostname", option)) dhcpSetHostName(option.address, option.length);
  const ipv6 = readIpv6Option();
  if (ipv6 != 0) return ipv6;
  if (!commandLineOption("ip", option)) return 0;
  if (configurationParse(configuration, option.address, option.length) == 0) return 0;
  configuration.mode = NETWORK_OFF;
  const line = log("net").text("ip=").bytes(option.address, option.length).text(" is not understood: ");
  line.text("dhcp, off or 10.0.2.20/24[,gateway=10.0.2.2][,dns=10.0.2.3]").end();
  return -EINVAL;
}

function readIpv6Option(): i32 {
  if (!commandLineOption("ip6", option)) {
    ipv6Enable();
    return 0;
  }
  if (ipv6Option(option.address, option.length) == 0) return 0;
  configuration.mode = NETWORK_OFF;
  const line = log("net").text("ip6=").bytes(option.address, option.length).text(" is not understood: ");
  line.text("auto, off or fd00::20/64[,gateway=fe80::1]").end();
  return -EINVAL;
}

function startStatic(): i32 {
  const c = configuration;
  interfaceConfigure(c.address, c.prefixLength, c.gateway, 0, monotonicNow());
  describeAddress().text(" static").end();
  return 0;
}

function waitForAddress(): i32 {
  const deadline = monotonicNow() + ADDRESS_PATIENCE;
  while (interfaceAddress() == 0) {
    if (waitOn(addressQueue, deadline) == -ETIMEDOUT) {
      log("net").text("eth0 has no address yet, no DHCP server has answered").end();
      return -ETIMEDOUT;
    }
  }
  return 0;
}

/** The beginning of the line that tools parse. */
function describeAddress(): LogLine {
  const prefixLength = popcnt(interfaceMask());
  const line = log("net").text("eth0 ").ipv4(interfaceAddress()).text("/").decimal(prefixLength);
  return interfaceGateway() != 0 ? line.text(" gateway ").ipv4(interfaceGateway()) : line;
}

/** The DHCP client has configured the interface, or taken its address away. */
function onLease(lease: Lease): void {
  if (changetype<usize>(lease) == 0) return;
  const line = describeAddress().text(" by DHCP (lease ");
  if (lease.duration == LEASE_INFINITE) line.text("for ever)").end();
  else line.decimal(lease.duration).text(" s)").end();
  wakeAll(addressQueue);
}

/** The stack's share of the kernel's work: the loopback, and a timer for what is due later. */
function networkWork(now: u64): void {
  if (loopbackQueued() != 0) interfacePoll(now);
  if (loopbackQueued() != 0) workRaise();
  const deadline = interfaceDeadline();
  if (deadline != timer.deadline || !timer.pending) timerSet(timer, deadline);
}

function onTimer(_argument: usize): void {
  interfacePoll(monotonicNow());
}

/**
 * After a suspend. A restored domain connects to a new backend; when its carrier comes, interfaceLinkChanged()
 * announces the address and asks the DHCP server whether it still holds.
 */
function networkResume(restored: bool): void {
  if (!restored) return;
  resolverForget();
  netfrontRestored();
}
