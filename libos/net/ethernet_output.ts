// Ethernet output: the last step of every frame on its way to the device.
import { eth0Counters } from "./counters";
import { TransmitFrame, deviceMac, deviceTransmit } from "./device";
import { ETHERNET_HEADER, ETHERTYPE_IPV4, ethernetWrite } from "./wire/ethernet";

/** Puts an Ethernet header in front of `frame`, which begins with its payload, and sends it; consumes the frame. */
export function ethernetSend(frame: TransmitFrame, destination: usize, type: u16 = ETHERTYPE_IPV4): i32 {
  frame.data -= ETHERNET_HEADER;
  frame.capacity += ETHERNET_HEADER;
  frame.length += ETHERNET_HEADER;
  ethernetWrite(frame.data, destination, deviceMac(), type);
  const length = frame.length;
  const result = deviceTransmit(frame);
  if (result < 0) {
    eth0Counters.txDropped += 1;
    return result;
  }
  eth0Counters.txPackets += 1;
  eth0Counters.txBytes += length;
  return result;
}
