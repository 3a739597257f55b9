// The top of kernel.wasm for an image with a network: everything of main.ts, and what with_network.ts and with_resolve.ts name.
export * from "./main";
export * from "./posix/network";
export { domainSearchTake } from "./net/dhcp/domain_search";
export { resolverForget } from "./net/dns/resolver";
export { networkAddressesChanged } from "./net/family/addresses";
export { networkFollows } from "./net/family/follower";
export { flowAdded, flowRemoved } from "./net/family/flow_list";
export { networkForked, networkPorts } from "./net/family/forked";
export { networkListens } from "./net/family/listeners";
export { networkMessage, networkRoom } from "./net/family/messages";
export { networkFinish } from "./net/finish";
export { networkShares } from "./net/handover/forked";
export { inheritedArrives } from "./net/handover/frames";
export { connectionClaim } from "./net/handover/inherited";
export { listenerLeaves } from "./net/handover/leaving_listener";
export {
  connectionOffers,
  connectionReleases,
  inheritedExpired,
  networkReleases,
  networkUnreleased,
} from "./net/handover/release";
export { networkStart } from "./net/network";
export { pairClose, pairEvents, pairOption, pairPipe, pairReceive, pairSend, pairShutdown } from "./posix/socket_pair";
export { streamShutdownLater } from "./posix/shutdown";
export { socketClose, socketEvents, socketLinger, socketQueue, socketRead, socketWrite } from "./posix/socket_file";
