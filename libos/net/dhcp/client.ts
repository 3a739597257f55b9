// The DHCP client (RFC 2131 section 4.4): what it does in its states (states.ts), with the lease that it has (lease.ts).
//
// `deadline` is when the state's next step is due; dhcpPoll() takes it. All times are monotonic ns.
import { ENOMEM } from "../../../kernel/errno";
import { log } from "../../../kernel/log";
import { pageAlloc } from "../../../kernel/memory/pages";
import { randomU32 } from "../../../kernel/random";
import { NEVER } from "../../../kernel/time/clock";
import { interfaceAddress } from "../addresses";
import { conflictFound, conflictProbe, conflictTakeLost } from "../arp/conflict";
import { interfaceConfigure, interfaceUnconfigure } from "../configure";
import { networkAddressesChanged } from "../../optional/with_fork_network";
import { domainSearchTake } from "../../optional/with_resolve";
import { deviceCarrier, deviceMac } from "../device";
import { routesClear } from "../ipv4/route_table";
import { UDP_PEER_SIZE, udpReceiveFrom, UdpPeer } from "../udp/input";
import { UdpSocket, udpBind, udpClose, udpSocketCreate } from "../udp/socket";
import { DHCPACK, DHCPDECLINE, DHCPDISCOVER, DHCPNAK, DHCPOFFER, DHCPREQUEST, DHCP_CLIENT_PORT } from "../wire/dhcp";
import { DHCP_OPTION_MESSAGE_TYPE, DHCP_OPTION_SERVER_IDENTIFIER, DHCP_SERVER_PORT } from "../wire/dhcp";
import { dhcpCheckLength, dhcpIsForHardware, dhcpOptionByte, dhcpOptionU32, dhcpTransaction } from "../wire/dhcp";
import { INADDR_BROADCAST } from "../wire/ipv4";
import { LEASE_INFINITE, LEASE_SIZE, Lease, leaseCopy, leaseRead } from "./lease";
import { dhcpPresentLease, lease, leaseTime, renewalRetry } from "./lease";
import { DHCP_REPLY_MAXIMUM, DHCP_REQUEST_SIZE, DhcpRequest, dhcpSend } from "./request";
import { RETRY_FIRST, RETRY_MAXIMUM, SECOND, jitter } from "./retry";
import { dhcpRoutesTake } from "./routes";
import { DHCP_BOUND, DHCP_FOLLOWING, DHCP_INIT, DHCP_REBINDING, DHCP_REBOOTING } from "./states";
import { DHCP_RENEWING, DHCP_REQUESTING, DHCP_SELECTING, DHCP_STOPPED } from "./states";

/** Messages to one server before another is looked for. */
const REQUEST_TRIES: u32 = 4;
/** Unanswered messages of a kind after which we ask for broadcast replies: something may filter the unicast ones. */
const UNICAST_TRIES: u32 = 2;
/** RFC 2131 section 3.1 (5) SHOULD: pause after a DECLINE. */
const DECLINE_PAUSE: u64 = 10 * SECOND;

/** Behind DHCP_REPLY_MAXIMUM bytes, with room for DOMAIN_SEARCH_MAXIMUM. */
const DOMAIN_SEARCH: usize = 2048;

/** Replies that one poll looks at. */
const REPLIES_PER_POLL: u32 = 16;

/** What was offered and is being requested; what the present message says. */
const offered = changetype<Lease>(memory.data(LEASE_SIZE, 8));
const received = changetype<Lease>(memory.data(LEASE_SIZE, 8));
const request = changetype<DhcpRequest>(memory.data(DHCP_REQUEST_SIZE, 8));
const peer = changetype<UdpPeer>(memory.data(UDP_PEER_SIZE, 8));

let state: u32 = DHCP_STOPPED;
let socket: UdpSocket = changetype<UdpSocket>(0);
/** A page: messages are built and received at its beginning, at DOMAIN_SEARCH stands what the lease's server has said. */
let scratch: usize = 0;
let deadline: u64 = NEVER;
let retryInterval: u64 = RETRY_FIRST;
let tries: u32 = 0;
let refusals: u32 = 0;
let transaction: u32 = 0;
/** When the client began to ask; when it sent the REQUEST that is open. */
let startedAt: u64 = 0;
let requestedAt: u64 = 0;
let onChange: u32 = 0;

/**
 * Starts the client. `changed` is the function index of (lease: Lease) => void, called after a lease gave the
 * interface another configuration, and with null after it lost its address; 0 = nobody.
 * @returns 0, -ENOMEM, or -EADDRINUSE when the client's port is taken
 */
export function dhcpStart(changed: u32, now: u64): i32 {
  if (scratch == 0) scratch = pageAlloc();
  if (scratch == 0) return -ENOMEM;
  socket = udpSocketCreate(false);
  if (changetype<usize>(socket) == 0) return -ENOMEM;
  const bound = udpBind(socket, socket.local, DHCP_CLIENT_PORT);
  if (bound != 0) {
    udpClose(socket);
    return bound;
  }
  socket.broadcast = true;
  socket.unconfigured = true;
  onChange = changed;
  refusals = 0;
  enterInit(now);
  step(now);
  return 0;
}

/** Stops the client; the interface keeps its address. */
export function dhcpStop(): void {
  if (state == DHCP_STOPPED) return;
  state = DHCP_STOPPED;
  deadline = NEVER;
  udpClose(socket);
}

/** One of the DHCP_ states. */
export function dhcpState(): u32 {
  return state;
}

/** When dhcpPoll() next has something to do without a message. */
export function dhcpDeadline(): u64 {
  return deadline;
}

/** Takes what has come from servers and does what is due. */
export function dhcpPoll(now: u64): void {
  if (state == DHCP_STOPPED || state == DHCP_FOLLOWING) return;
  for (let left = REPLIES_PER_POLL; left != 0 && socket.head != 0; left--) {
    const length = udpReceiveFrom(socket, scratch, DHCP_REPLY_MAXIMUM, peer);
    if (length > 0 && peer.port == DHCP_SERVER_PORT) handleReply(length, now);
  }
  if (conflictTakeLost() && interfaceAddress() == lease.address) {
    decline(lease, now);
  } else if (now >= deadline) {
    step(now);
  }
}

/**
 * Asks whether the present address is still ours (INIT-REBOOT, RFC 2131 section 3.2): after a resume, and when the carrier
 * has come back. The address stays in use meanwhile.
 */
export function dhcpReboot(now: u64): void {
  if (state == DHCP_STOPPED || state == DHCP_FOLLOWING) return;
  if (interfaceAddress() == 0) {
    enterInit(now);
    step(now);
    return;
  }
  begin(DHCP_REBOOTING, now);
}

/** Another process of the family keeps the lease from now on. */
export function dhcpFollow(): void {
  if (state == DHCP_STOPPED) return;
  state = DHCP_FOLLOWING;
  deadline = NEVER;
}

/** This process is to keep the family's lease: asks at once for more time, for it may be little that is left. */
export function dhcpLead(now: u64): void {
  if (state != DHCP_FOLLOWING) return;
  if (lease.address == 0) enterInit(now);
  else if (lease.duration == LEASE_INFINITE) enterBound(now);
  else begin(DHCP_RENEWING, now);
}

function enterInit(now: u64, pause: u64 = 0): void {
  state = DHCP_INIT;
  deadline = now + pause;
}

/** Starts an exchange of a new transaction number with its first message. */
function begin(newState: u32, now: u64): void {
  state = newState;
  transaction = randomU32();
  startedAt = now;
  startRequest(now);
}

function startRequest(now: u64): void {
  tries = 0;
  retryInterval = RETRY_FIRST;
  requestedAt = now;
  transmit(now);
}

/** The state's deadline has come. */
function step(now: u64): void {
  if (state == DHCP_INIT) {
    // Without carrier there is nobody to ask; dhcpReboot() will be called when it comes.
    if (deviceCarrier()) begin(DHCP_SELECTING, now);
    else deadline = NEVER;
  } else if (state == DHCP_BOUND) {
    begin(DHCP_RENEWING, now);
  } else if (state == DHCP_RENEWING && now >= leaseTime(lease.rebinding)) {
    begin(DHCP_REBINDING, now);
  } else if (state == DHCP_REBINDING && now >= leaseTime(lease.duration)) {
    loseAddress("lease expired", now);
  } else if (state == DHCP_REQUESTING && tries >= REQUEST_TRIES) {
    enterInit(now);
  } else if (state == DHCP_REBOOTING && tries >= REQUEST_TRIES) {
    // RFC 2131 section 3.2 (3): no server answers, the lease may be used until it ends.
    if (now >= leaseTime(lease.duration)) loseAddress("lease expired", now);
    else enterBound(now);
  } else {
    transmit(now);
  }
}

/** Sends the message of the present state and sets the time of its repetition. */
function transmit(now: u64): void {
  const renews = state == DHCP_RENEWING || state == DHCP_REBINDING;
  request.type = state == DHCP_SELECTING ? DHCPDISCOVER : DHCPREQUEST;
  request.transaction = transaction;
  request.seconds = <u32>((now - startedAt) / SECOND);
  request.clientAddress = renews ? lease.address : 0;
  request.server = state == DHCP_REQUESTING ? offered.server : 0;
  request.destination = state == DHCP_RENEWING ? lease.server : INADDR_BROADCAST;
  // The address we had is asked for again; RFC 2131 table 5 allows it in a DISCOVER.
  const wanted = state == DHCP_REQUESTING ? offered.address : lease.address;
  request.requestedAddress = renews ? 0 : wanted;
  request.broadcast = !renews && tries >= UNICAST_TRIES;
  tries += 1;
  deadline = renews ? renewalRetry(state == DHCP_RENEWING, now) : now + jitter(retryInterval);
  retryInterval = min(retryInterval * 2, RETRY_MAXIMUM);
  dhcpSend(socket, request, scratch, now);
}

function handleReply(length: u32, now: u64): void {
  if (dhcpCheckLength(scratch, length) != 0) return;
  if (dhcpTransaction(scratch) != transaction || !dhcpIsForHardware(scratch, deviceMac())) return;
  const type = dhcpOptionByte(scratch, length, DHCP_OPTION_MESSAGE_TYPE);
  if (state == DHCP_SELECTING) {
    if (type == DHCPOFFER && leaseRead(received, scratch, length) == 0) takeOffer(now);
    return;
  }
  if (state < DHCP_REQUESTING || state == DHCP_BOUND) return;
  const server = dhcpOptionU32(scratch, length, DHCP_OPTION_SERVER_IDENTIFIER);
  if (state == DHCP_REQUESTING && server != offered.server) return;
  if (type == DHCPNAK) {
    takeRefusal(now);
  } else if (type == DHCPACK) {
    const wanted = state == DHCP_REQUESTING ? offered.address : lease.address;
    if (leaseRead(received, scratch, length) == 0 && received.address == wanted) takeLease(length, now);
  }
}

function takeOffer(now: u64): void {
  state = DHCP_REQUESTING;
  leaseCopy(offered, received);
  // The answer, if there is one, comes before the ACK or is noticed later by the ongoing detection.
  if (offered.address != interfaceAddress()) conflictProbe(offered.address);
  startRequest(now);
}

/** The ACK of `length` bytes in `scratch` has been read into `received`. */
function takeLease(length: u32, now: u64): void {
  if (conflictFound(received.address)) {
    decline(received, now);
    return;
  }
  dhcpPresentLease(received, requestedAt);
  dhcpRoutesTake(scratch, length);
  domainSearchTake(scratch, length, scratch + DOMAIN_SEARCH);
  refusals = 0;
  enterBound(now);
  const changed = interfaceConfigure(lease.address, lease.prefixLength, lease.gateway, lease.mtu, now);
  if (changed && onChange != 0) call_indirect<void>(onChange, lease);
  networkAddressesChanged();
}

function enterBound(now: u64): void {
  state = DHCP_BOUND;
  deadline = max(now, leaseTime(lease.renewal));
}

/** A NAK: the address is not ours (any more). A server that goes on refusing is asked ever more rarely. */
function takeRefusal(now: u64): void {
  const pause = refusals == 0 ? 0 : min(RETRY_FIRST << min(refusals, 10), RETRY_MAXIMUM);
  refusals += 1;
  lease.address = 0;
  loseAddress("refused by the server", now);
  deadline = now + pause;
}

/** Somebody else uses the address: tells the server, and asks for another one after a pause. */
function decline(taken: Lease, now: u64): void {
  request.type = DHCPDECLINE;
  request.transaction = randomU32();
  request.seconds = 0;
  request.clientAddress = 0;
  request.requestedAddress = taken.address;
  request.server = taken.server;
  request.destination = INADDR_BROADCAST;
  request.broadcast = false;
  const address = taken.address;
  lease.address = 0;
  if (interfaceAddress() == address) loseAddress("in use by another station", now);
  else log("net").text("eth0 address ").ipv4(address).text(" offered by DHCP is in use by another station").end();
  dhcpSend(socket, request, scratch, now);
  enterInit(now, DECLINE_PAUSE);
}

/** Goes to INIT; an address that the interface has is taken away. */
function loseAddress(reason: string, now: u64): void {
  const address = interfaceAddress();
  enterInit(now);
  if (address == 0) return;
  routesClear();
  interfaceUnconfigure(now);
  log("net").text("eth0 address ").ipv4(address).text(" lost: ").text(reason).end();
  if (onChange != 0) call_indirect<void>(onChange, changetype<Lease>(0));
}
