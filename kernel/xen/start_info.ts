// start_info (xen/include/public/xen.h): what the domain builder tells a PV guest. It stays mapped where the builder
// put it; libxc rewrites store_mfn, store_evtchn, console and console_evtchn in it on a restore.

/** The page that Xen passes in rsi at entry. */
@unmanaged
@final
export class StartInfo {
  magic0: u64; // "xen-3.0-x86_64", 32 bytes
  magic1: u64;
  magic2: u64;
  magic3: u64;
  nr_pages: u64;
  shared_info: u64; // machine address
  flags: u32;
  private padding0: u32;
  store_mfn: u64;
  store_evtchn: u32;
  private padding1: u32;
  console_mfn: u64;
  console_evtchn: u32;
  private padding2: u32;
  pt_base: u64;
  nr_pt_frames: u64;
  mfn_list: u64;
  mod_start: u64;
  mod_len: u64;
}

/** Offset of the command line behind the structure's start, and its size with the closing NUL. */
export const START_INFO_CMD_LINE: usize = 128;
export const MAX_GUEST_CMDLINE: u32 = 1024;

let address: usize = 0;

/** Remembers where start_info is. Called once, first of all. */
export function startInfoInit(at: usize): void {
  address = at;
}

/** The domain's start_info. */
export function startInfo(): StartInfo {
  return changetype<StartInfo>(address);
}
