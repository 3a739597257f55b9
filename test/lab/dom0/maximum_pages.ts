// Prints how many frames Xen lets a domain have: its number is the argument.
import { XenControl } from "../../../tools/forkd/xen/control.ts";

const info = new XenControl().info(Number(process.argv[2]));
process.stdout.write(`${info?.maximumPages ?? 0}\n`);
