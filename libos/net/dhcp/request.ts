// The messages that a DHCP client sends (RFC 2131 table 5).
import { deviceMac } from "../device";
import { UdpSocket } from "../udp/socket";
import { IP_ADDRESS_SIZE, IpAddress } from "../ip/address";
import { udpSendTo } from "../udp/output";
import {
  DHCPDECLINE,
  DHCP_BROADCAST,
  DHCP_OPTION_CLASSLESS_ROUTES,
  DHCP_OPTION_CLIENT_IDENTIFIER,
  DHCP_OPTION_DOMAIN_NAME,
  DHCP_OPTION_DOMAIN_NAME_SERVER,
  DHCP_OPTION_DOMAIN_SEARCH,
  DHCP_OPTION_HOST_NAME,
  DHCP_OPTION_INTERFACE_MTU,
  DHCP_OPTION_MAXIMUM_SIZE,
  DHCP_OPTION_MESSAGE_TYPE,
  DHCP_OPTION_PARAMETER_LIST,
  DHCP_OPTION_REQUESTED_ADDRESS,
  DHCP_OPTION_ROUTER,
  DHCP_OPTION_SERVER_IDENTIFIER,
  DHCP_OPTION_SUBNET_MASK,
  DHCP_SERVER_PORT,
  dhcpFinish,
  dhcpPutByte,
  dhcpPutBytes,
  dhcpPutU16,
  dhcpPutU32,
  dhcpWrite,
} from "../wire/dhcp";
import { ethernetCopy } from "../wire/ethernet";

/** The longest reply that the client takes: what one Ethernet frame holds. */
export const DHCP_REPLY_MAXIMUM: u16 = 1472;
/** Longest host name that is sent (RFC 1035 section 2.3.4). */
const HOST_NAME_MAXIMUM: u32 = 63;

/** What varies from message to message. */
@unmanaged
@final
export class DhcpRequest {
  transaction: u32;
  /** Seconds since the client began to ask. */
  seconds: u32;
  /** Our address where we have the right to use it (ciaddr), else 0. */
  clientAddress: u32;
  /** Option 50, 0 = none. */
  requestedAddress: u32;
  /** Option 54, 0 = none. */
  server: u32;
  /** Where it goes: the server that gave the lease, or INADDR_BROADCAST. */
  destination: u32;
  type: u8;
  /** The reply shall be broadcast. */
  broadcast: bool;
}

/** Bytes of a DhcpRequest, for static instances. */
export const DHCP_REQUEST_SIZE: i32 = 32;

const clientIdentifier = memory.data(8, 8);
const hostName = memory.data(64, 8);
let hostNameLength: u32 = 0;

const destination = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));

/** Sets the name that the server may enter in its DNS; 0 bytes = none. */
export function dhcpSetHostName(source: usize, length: u32): void {
  hostNameLength = min(length, HOST_NAME_MAXIMUM);
  memory.copy(hostName, source, hostNameLength);
}

/** RFC 2132 section 9.14: the hardware type and address identify the client. */
function putClientIdentifier(at: usize): usize {
  store<u8>(clientIdentifier, 1);
  ethernetCopy(clientIdentifier + 1, deviceMac());
  return dhcpPutBytes(at, DHCP_OPTION_CLIENT_IDENTIFIER, clientIdentifier, 7);
}

/** What we ask for. RFC 3442: the classless routes stand before the router, which they replace. */
function putParameterList(at: usize): usize {
  store<u8>(at, DHCP_OPTION_PARAMETER_LIST);
  store<u8>(at + 1, 7);
  store<u8>(at + 2, DHCP_OPTION_SUBNET_MASK);
  store<u8>(at + 3, DHCP_OPTION_CLASSLESS_ROUTES);
  store<u8>(at + 4, DHCP_OPTION_ROUTER);
  store<u8>(at + 5, DHCP_OPTION_DOMAIN_NAME_SERVER);
  store<u8>(at + 6, DHCP_OPTION_DOMAIN_NAME);
  store<u8>(at + 7, DHCP_OPTION_INTERFACE_MTU);
  store<u8>(at + 8, DHCP_OPTION_DOMAIN_SEARCH);
  return at + 9;
}

/**
 * Builds the message in `scratch` (at least 600 bytes) and sends it.
 * @returns as udpSendTo(); a message that could not be sent is repeated by the client's timer like a lost one
 */
export function dhcpSend(socket: UdpSocket, request: DhcpRequest, scratch: usize, now: u64): i32 {
  const flags: u16 = request.broadcast ? DHCP_BROADCAST : 0;
  const seconds = <u16>min<u32>(request.seconds, 65535);
  let at = dhcpWrite(scratch, request.transaction, seconds, flags, request.clientAddress, deviceMac());
  at = dhcpPutByte(at, DHCP_OPTION_MESSAGE_TYPE, request.type);
  at = putClientIdentifier(at);
  if (request.requestedAddress != 0) at = dhcpPutU32(at, DHCP_OPTION_REQUESTED_ADDRESS, request.requestedAddress);
  if (request.server != 0) at = dhcpPutU32(at, DHCP_OPTION_SERVER_IDENTIFIER, request.server);
  // RFC 2131 table 5: a DECLINE carries nothing but who and what.
  if (request.type != DHCPDECLINE) {
    at = dhcpPutU16(at, DHCP_OPTION_MAXIMUM_SIZE, DHCP_REPLY_MAXIMUM);
    at = putParameterList(at);
    if (hostNameLength != 0) at = dhcpPutBytes(at, DHCP_OPTION_HOST_NAME, hostName, <u8>hostNameLength);
  }
  const length = dhcpFinish(scratch, at);
  destination.setIpv4(request.destination);
  return udpSendTo(socket, scratch, length, destination, DHCP_SERVER_PORT, now);
}
