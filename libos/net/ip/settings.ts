// What an application asks of the IP headers of its packets: the service field (Diffserv, RFC 2474) and how many routers may
// pass them on. A socket keeps the wishes for both families, because one of AF_INET6 sends packets of both.
import { TransmitFrame } from "../device";
import { IpAddress } from "./address";

/** Nothing but zeroes asks for nothing. */
@unmanaged
@final
export class IpSettings {
  /** IP_TOS. */
  service: u8;
  /** IPV6_TCLASS. */
  trafficClass: u8;
  /** IP_TTL: one more than what was asked for; 0 = the default. */
  timeToLive: u16;
  /** IPV6_UNICAST_HOPS, likewise. */
  hopLimit: u16;

  /** Takes those of another socket. */
  copy(other: IpSettings): void {
    store<u64>(changetype<usize>(this), load<u64>(changetype<usize>(other)));
  }

  /** The service field of packets to `destination`. */
  serviceTo(destination: IpAddress): u8 {
    return destination.isIpv4() ? this.service : this.trafficClass;
  }

  /** The time to live or hop limit of packets to `destination`, `normal` unless something else was asked for. */
  hopsTo(destination: IpAddress, normal: u8): u8 {
    const asked = destination.isIpv4() ? this.timeToLive : this.hopLimit;
    return asked != 0 ? <u8>(asked - 1) : normal;
  }

  /** Writes the wishes into a frame to `destination`, which has the defaults. */
  apply(frame: TransmitFrame, destination: IpAddress): void {
    if (load<u64>(changetype<usize>(this)) == 0) return;
    frame.service = this.serviceTo(destination);
    frame.hopLimit = this.hopsTo(destination, frame.hopLimit);
  }
}

/** Bytes of IpSettings where they are part of something, aligned to 8. */
export const IP_SETTINGS_SIZE: i32 = 8;
