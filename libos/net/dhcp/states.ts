// The states of the DHCP client (RFC 2131 section 4.4, figure 5).
//
//   INIT -> SELECTING        DISCOVER; the first usable OFFER wins, for an appliance boots in milliseconds
//   SELECTING -> REQUESTING  REQUEST to the server that offered; the address is probed meanwhile (arp/conflict.ts)
//   REQUESTING -> BOUND      ACK: the interface is configured
//   BOUND -> RENEWING -> REBINDING -> INIT   at T1, T2 and the end of the lease
//   REBOOTING -> BOUND       after a resume or a new carrier: is the address still ours on this network?
//   FOLLOWING -> RENEWING    in a child of a fork, whose family has the lease: when it has to keep the lease (family/follower.ts)
//   any -> INIT              NAK, or an address conflict (after a DECLINE and a pause)

export const DHCP_STOPPED: u32 = 0;
export const DHCP_INIT: u32 = 1;
export const DHCP_SELECTING: u32 = 2;
export const DHCP_REQUESTING: u32 = 3;
export const DHCP_BOUND: u32 = 4;
export const DHCP_RENEWING: u32 = 5;
export const DHCP_REBINDING: u32 = 6;
export const DHCP_REBOOTING: u32 = 7;
export const DHCP_FOLLOWING: u32 = 8;
