// The top of kernel.wasm for an image with a network: everything of main.ts, and what with_network.ts and with_resolve.ts name.
export * from "./main";
export * from "./posix/network";
export { domainSearchTake } from "./net/dhcp/domain_search";
export { resolverForget } from "./net/dns/resolver";
export { networkAddressesChanged } from "./net/family/addresses";
export { networkFollows } from "./net/family/follower";
export { flowAdded, flowRemoved } from "./net/family/flow_list";
export { networkForked, networkPorts } from "./net/family/forked";
export { networkListens, networkServes } from "./net/family/listeners";
export { networkMessage, networkRoom } from "./net/family/messages";
export { networkFinish } from "./net/finish";
export { networkReleases, networkUnreleased } from "./net/handover/finish";
export { networkShares } from "./net/handover/forked";
export { inheritedArrives } from "./net/handover/frames";
export { connectionClaim } from "./net/handover/inherited";
export { listenerLeaves } from "./net/handover/leaving_listener";
export { connectionOffers, connectionReleases, inheritedExpired } from "./net/handover/release";
export { networkStart } from "./net/network";
export { streamShutdownLater } from "./posix/shutdown";
export {
  unixAvailable,
  unixClose,
  unixEvents,
  unixName,
  unixOpen,
  unixOption,
  unixPipe,
  unixPlaces,
  unixQueue,
  unixReceive,
  unixSend,
  unixShutdown,
} from "./posix/unix/calls";
export { passingForked, passingGiveUp, passingLook, passingTaken, passingUnfinished } from "./posix/unix/in_flight";
export { passingArrive, passingBegin, passingEnd, passingUnread } from "./posix/unix/passing";
export { unixForked } from "./posix/unix/forked";
export { unixFind, unixNamed } from "./posix/unix/names";
export {
  rightsArrive,
  rightsAttach,
  rightsBound,
  rightsDiscard,
  rightsDrop,
  rightsForked,
  rightsPass,
} from "./posix/unix/rights";
export {
  sharedEmpty,
  sharedHeld,
  sharedIntroduce,
  sharedMessagePut,
  sharedMessageTake,
  sharedPeek,
  sharedPosition,
  sharedPutBytes,
  sharedReadHere,
  sharedTakeBytes,
  sharedUnread,
} from "./pipe/shared/messages";
export { socketWaiting } from "./posix/socket_waiting";
export { socketClose, socketEvents, socketLinger, socketQueue, socketRead, socketWrite } from "./posix/socket_file";
