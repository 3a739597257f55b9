// What waits in a socket to be read or to be acknowledged, as ioctl tells it (libos/optional/with_network.ts).
import { EINVAL, ENOTTY } from "../../kernel/errno";
import { receiveAvailable } from "../net/tcp/receive_queue";
import { sendNotSent } from "../net/tcp/send_queue";
import { LISTEN } from "../net/tcp/state";
import { udpNextLength } from "../net/udp/input";
import { KIND_TCP, KIND_UDP, KIND_UNIX, OpenFile } from "../process/open_file";
import { unixAvailable } from "../optional/with_unix";
import { FIONREAD, SIOCOUTQ } from "./constants";

export function socketWaiting(file: OpenFile, request: u32): i32 {
  if (file.kind == KIND_UDP && request == FIONREAD) return <i32>udpNextLength(file.udp);
  if (file.kind == KIND_UNIX && request == FIONREAD) return unixAvailable(file);
  if (file.kind != KIND_TCP) return -ENOTTY;
  const s = file.tcp;
  if (s.state == LISTEN) return -EINVAL;
  if (request == FIONREAD) return <i32>receiveAvailable(s);
  return <i32>(request == SIOCOUTQ ? s.sendBuffer.length : sendNotSent(s));
}
