// The network ring protocol (xen/include/public/io/netif.h). TX and RX are seen from the front end: TX carries frames
// from us to the back end, RX the other way.
//
// tx request  {u32 gref, u16 offset, u16 flags, u16 id, u16 size}   tx response {u16 id, s16 status}    12 bytes a slot
// rx request  {u16 id, u16 pad, u32 gref}     rx response {u16 id, u16 offset, u16 flags, s16 status}    8 bytes a slot
// extra info  {u8 type, u8 flags, u16 size, u8 gso type, u8 pad, u16 features}             in a slot of either ring

export const TX_SLOT_SIZE: u32 = 12;
export const RX_SLOT_SIZE: u32 = 8;

export const NETTXF_csum_blank: u16 = 1;
export const NETTXF_data_validated: u16 = 2;
export const NETTXF_more_data: u16 = 4;
export const NETTXF_extra_info: u16 = 8;

export const NETRXF_data_validated: u16 = 1;
export const NETRXF_csum_blank: u16 = 2;
export const NETRXF_more_data: u16 = 4;
export const NETRXF_extra_info: u16 = 8;

export const XEN_NETIF_EXTRA_TYPE_GSO: u8 = 1;
export const XEN_NETIF_EXTRA_FLAG_MORE: u8 = 1;
export const XEN_NETIF_GSO_TYPE_TCPV4: u8 = 1;
export const XEN_NETIF_GSO_TYPE_TCPV6: u8 = 2;

/** Status of the response to a slot that held extra info. */
export const NETIF_RSP_NULL: i16 = 1;

/** Largest frame in bytes, in either direction. */
export const XEN_NETIF_MAX_TX_SIZE: u32 = 0xffff;

/** struct netif_tx_request. */
@unmanaged
@final
export class TransmitRequest {
  gref: u32;
  offset: u16;
  flags: u16;
  id: u16;
  size: u16;
}

/** struct netif_extra_info with the GSO member. */
@unmanaged
@final
export class ExtraInfo {
  type: u8;
  flags: u8;
  gsoSize: u16;
  gsoType: u8;
  private pad: u8;
  gsoFeatures: u16;
}
