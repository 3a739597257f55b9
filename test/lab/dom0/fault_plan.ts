// What goes wrong in a forkd under test (faulty_forkd.ts).

/** Where the plan is read from when SIGUSR2 comes. */
export const FAULT_FILE = "/tmp/forkd/fault";

/** A call by its class and method, such as "XenControl.create", and which of them since the plan was read, from 1. */
export interface PlannedCall {
  readonly call: string;
  readonly at: number;
}

/** Which call goes wrong, and how. */
export type FaultPlan =
  | { readonly kind: "none" | "record" }
  | (PlannedCall & { readonly kind: "error"; readonly errno: number })
  | (PlannedCall & { readonly kind: "kill" | "stop" })
  | { readonly kind: "slow"; readonly ms: number };
