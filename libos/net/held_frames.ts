// Frames that wait for the Ethernet address of their next hop: a short queue in each entry of the ARP and neighbour
// caches. They hold buffers of the device, so their number is bounded for each entry and for all together.
import { TransmitFrame, deviceTransmitFree } from "./device";
import { ethernetSend } from "./ethernet_output";

/** RFC 1122 section 2.3.2.2 SHOULD: the latest frames wait. */
const ENTRY_MAXIMUM: u32 = 4;
const TOTAL_MAXIMUM: u32 = 32;

let total: u32 = 0;

/** True while any frame waits. */
export function framesHeld(): bool {
  return total != 0;
}

/** The queue; lies inside a cache entry, all zero when empty. */
@unmanaged
@final
export class HeldFrames {
  /** Oldest first. */
  private first: usize;
  private count: u32;

  private take(): TransmitFrame {
    const frame = changetype<TransmitFrame>(this.first);
    this.first = frame.next;
    this.count -= 1;
    total -= 1;
    return frame;
  }

  /** Appends `frame` and consumes it; where there is no room the oldest goes. */
  append(frame: TransmitFrame): void {
    if (this.count == ENTRY_MAXIMUM || (total >= TOTAL_MAXIMUM && this.first != 0)) deviceTransmitFree(this.take());
    if (total >= TOTAL_MAXIMUM) {
      deviceTransmitFree(frame);
      return;
    }
    frame.next = 0;
    if (this.first == 0) {
      this.first = changetype<usize>(frame);
    } else {
      let last = changetype<TransmitFrame>(this.first);
      while (last.next != 0) last = changetype<TransmitFrame>(last.next);
      last.next = changetype<usize>(frame);
    }
    this.count += 1;
    total += 1;
  }

  /** Sends all to the station at `mac` as packets of Ethernet `type`. */
  send(mac: usize, type: u16): void {
    while (this.first != 0) ethernetSend(this.take(), mac, type);
  }

  /** Gives all back. */
  drop(): void {
    while (this.first != 0) deviceTransmitFree(this.take());
  }
}
