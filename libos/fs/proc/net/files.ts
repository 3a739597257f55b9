// /proc/net: which text belongs to which file.
import { TextBuffer } from "../../../../kernel/text";
import { NET_DEV, NET_ROUTE, NET_TCP, NET_TCP6, NET_UDP } from "../../../optional/with_network_proc";
import { writeInterfaces, writeRoutes } from "./interfaces";
import { writeTcp, writeUdp } from "./sockets";

/** Export, by libos/optional/with_network_proc.ts. */
export function netFilesThere(): bool {
  return true;
}

/** Export, by libos/optional/with_network_proc.ts. */
export function netFileWrite(file: u32, out: TextBuffer): void {
  if (file == NET_DEV) writeInterfaces(out);
  else if (file == NET_ROUTE) writeRoutes(out);
  else if (file <= NET_TCP6) writeTcp(out, file != NET_TCP);
  else writeUdp(out, file != NET_UDP);
}
