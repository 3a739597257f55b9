// What goes wrong in a forkd under test (faulty_forkd.ts).

/** Where the plan is read from when SIGUSR2 comes. */
export const FAULT_FILE = "/tmp/forkd/fault";

/** Which call goes wrong, and how; calls are counted from 1 since the plan was read. */
export type FaultPlan =
  | { readonly kind: "none" }
  | { readonly kind: "error"; readonly at: number; readonly errno: number }
  | { readonly kind: "kill"; readonly at: number }
  | { readonly kind: "pause"; readonly at: number; readonly ms: number }
  | { readonly kind: "slow"; readonly ms: number };
