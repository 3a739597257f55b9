// forkd in a lab, for the tests.
export { Forkd, pushProgram, startForkd, type ForkdOptions } from "../../tools/lab/forkd.ts";
