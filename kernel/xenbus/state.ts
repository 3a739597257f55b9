// States of either end of a xenbus device (xen/include/public/io/xenbus.h, enum xenbus_state).

export const XenbusStateUnknown: u32 = 0;
export const XenbusStateInitialising: u32 = 1;
export const XenbusStateInitWait: u32 = 2;
export const XenbusStateInitialised: u32 = 3;
export const XenbusStateConnected: u32 = 4;
export const XenbusStateClosing: u32 = 5;
export const XenbusStateClosed: u32 = 6;
export const XenbusStateReconfiguring: u32 = 7;
export const XenbusStateReconfigured: u32 = 8;
