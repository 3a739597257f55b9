// The options of levels IPPROTO_IP and IPPROTO_IPV6 (see socket_options.ts). As on Linux, a socket of AF_INET6 has both: those of
// IPPROTO_IP are for what it sends over IPv4.
import { EINVAL, ENOPROTOOPT } from "../../kernel/errno";
import { IpSettings } from "../net/ip/settings";
import { ipv4TimeToLiveTo } from "../net/ipv4/output";
import { linkHopLimit } from "../net/ipv6/link";
import { KIND_TCP, OpenFile } from "../process/open_file";
import * as c from "./constants";
import { isIpv6 } from "./sockets";
import { OPTION_UNKNOWN, flag } from "./tcp_options";

/** The bits of a service field that are TCP's own (RFC 3168), not the application's. */
const ECN_BITS: i32 = 3;

function settingsOf(file: OpenFile): IpSettings {
  return file.kind == KIND_TCP ? file.tcp.settings : file.udp.settings;
}

/** The value of an option of level IPPROTO_IP, or OPTION_UNKNOWN. */
export function ipLevelValue(file: OpenFile, name: i32): i64 {
  const settings = settingsOf(file);
  if (name == c.IP_TOS) return settings.service;
  if (name == c.IP_TTL) return settings.timeToLive != 0 ? settings.timeToLive - 1 : ipv4TimeToLiveTo(0);
  return OPTION_UNKNOWN;
}

/** The value of an option of level IPPROTO_IPV6, or OPTION_UNKNOWN. */
export function ipv6LevelValue(file: OpenFile, name: i32): i64 {
  if (!isIpv6(file)) return OPTION_UNKNOWN;
  const settings = settingsOf(file);
  if (name == c.IPV6_TCLASS) return settings.trafficClass;
  if (name == c.IPV6_UNICAST_HOPS) return settings.hopLimit != 0 ? settings.hopLimit - 1 : linkHopLimit();
  if (name == c.IPV6_V6ONLY) return flag(file.kind == KIND_TCP ? file.tcp.only6 : file.udp.only6);
  return OPTION_UNKNOWN;
}

/** The service field that `number` asks for: `now` keeps TCP's bits. */
function serviceFrom(file: OpenFile, number: i32, now: u8): u8 {
  return <u8>(file.kind == KIND_TCP ? (number & ~ECN_BITS) | (now & ECN_BITS) : number);
}

/** Sets an option of level IPPROTO_IP, before a connection or during it (RFC 9293 MUST-48, MUST-49, SHLD-21): 0, -EINVAL, -ENOPROTOOPT. */
export function setIpLevel(file: OpenFile, name: i32, number: i32): i32 {
  const settings = settingsOf(file);
  if (name == c.IP_TOS) {
    settings.service = serviceFrom(file, number, settings.service);
  } else if (name == c.IP_TTL) {
    if (number != -1 && (number < 1 || number > 255)) return -EINVAL;
    settings.timeToLive = <u16>(number + 1);
  } else {
    return -ENOPROTOOPT;
  }
  return 0;
}

/** Sets an option of level IPPROTO_IPV6: 0, -EINVAL, -ENOPROTOOPT. */
export function setIpv6Level(file: OpenFile, name: i32, number: i32): i32 {
  if (!isIpv6(file)) return -ENOPROTOOPT;
  if (name == c.IPV6_V6ONLY) return setOnly6(file, number != 0);
  if (name != c.IPV6_TCLASS && name != c.IPV6_UNICAST_HOPS) return -ENOPROTOOPT;
  if (number < -1 || number > 255) return -EINVAL; // RFC 3493, 5.1; RFC 3542, 6.5
  const settings = settingsOf(file);
  if (name == c.IPV6_UNICAST_HOPS) settings.hopLimit = <u16>(number + 1);
  else settings.trafficClass = serviceFrom(file, max(number, 0), settings.trafficClass);
  return 0;
}

/** IPV6_V6ONLY, as on Linux while nothing depends on it yet. */
function setOnly6(file: OpenFile, on: bool): i32 {
  const isStream = file.kind == KIND_TCP;
  if ((isStream ? file.tcp.localPort : file.udp.localPort) != 0) return -EINVAL;
  if (isStream) file.tcp.only6 = on;
  else file.udp.only6 = on;
  return 0;
}
