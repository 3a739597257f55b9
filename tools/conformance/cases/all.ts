// All cases, in the order of their files.
import "./opening.ts";
import "./flood.ts";
import "./receiving.ts";
import "./sending.ts";
import "./closing.ts";
import "./icmp.ts";
import "./ip.ts";
import "./ecn.ts";

export { allCases } from "../case.ts";
