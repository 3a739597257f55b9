// shared_info and vcpu_info (xen/include/public/xen.h, arch-x86/xen.h), the page both Xen and the guest write. It is
// mapped over the page at boot.sharedInfo(). Xen changes it at any time: fields are read with atomic loads, once.

export const EVTCHN_UPCALL_PENDING: usize = 0;
export const EVTCHN_UPCALL_MASK: usize = 1;
export const EVTCHN_PENDING_SEL: usize = 8;
export const ARCH_CR2: usize = 16;
/** vcpu_time_info of vCPU 0. */
const VCPU_TIME: usize = 32;
export const TIME_VERSION: usize = VCPU_TIME;
export const TIME_TSC_TIMESTAMP: usize = VCPU_TIME + 8;
export const TIME_SYSTEM_TIME: usize = VCPU_TIME + 16;
export const TIME_TSC_TO_SYSTEM_MUL: usize = VCPU_TIME + 24;
export const TIME_TSC_SHIFT: usize = VCPU_TIME + 28;

/** 32 vcpu_info of 64 bytes come first. */
export const EVTCHN_PENDING: usize = 2048;
export const EVTCHN_MASK: usize = 2560;
export const WC_VERSION: usize = 3072;
export const WC_SEC: usize = 3076;
export const WC_NSEC: usize = 3080;
export const WC_SEC_HI: usize = 3084;
export const ARCH_MAX_PFN: usize = 3088;
export const ARCH_P2M_CR3: usize = 3112;
export const ARCH_P2M_VADDR: usize = 3120;
export const ARCH_P2M_GENERATION: usize = 3128;
