// Ethernet output: the last step of every frame on its way to the device.
import { TransmitFrame, deviceMac, deviceTransmit } from "./device";
import { ETHERNET_HEADER, ETHERTYPE_IPV4, ethernetWrite } from "./wire/ethernet";

/** Puts an Ethernet header in front of `frame`, which begins with its payload, and sends it; consumes the frame. */
export function ethernetSend(frame: TransmitFrame, destination: usize, type: u16 = ETHERTYPE_IPV4): i32 {
  frame.data -= ETHERNET_HEADER;
  frame.capacity += ETHERNET_HEADER;
  frame.length += ETHERNET_HEADER;
  ethernetWrite(frame.data, destination, deviceMac(), type);
  return deviceTransmit(frame);
}
