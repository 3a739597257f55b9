// forkd in a lab, for the tests.
export { Forkd, startForkd, type ForkdOptions } from "../../tools/lab/forkd.ts";
