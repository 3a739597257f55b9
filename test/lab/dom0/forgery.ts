// What a forkd under test (forging_forkd.ts) finds in a guest's memory instead of what the guest has written.

/** Where the forgery is read from when SIGUSR2 comes. */
export const FORGERY_FILE = "/tmp/forkd/forgery";

/** A word of 32 bits in the fork descriptor; several values take turns, another at each call that forkd makes. */
export interface ForgedWord {
  readonly offset: number;
  readonly values: readonly number[];
}

/** Words of one domain's descriptor and entries of its p2m list, until its fork is answered. */
export interface Forgery {
  readonly domain: number;
  readonly words?: readonly ForgedWord[];
  readonly frames?: readonly { readonly pfn: number; readonly frame: number }[];
}
