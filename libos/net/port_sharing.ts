// SO_REUSEPORT: which of the sockets that share a port a peer belongs to. Each socket draws a lot for the peer and the greatest has
// it (rendezvous hashing: Thaler and Ravishankar, 1998): when a socket is closed, only its own peers go to others.
import { randomU64 } from "../../kernel/random";
import { IpAddress } from "./ip/address";
import { siphashBegin, siphashEnd, siphashWord } from "./siphash";

let key0: u64 = 0;
let key1: u64 = 0;

/** The lot of the socket at `socket` for the peer. Keyed: a peer cannot choose the socket. */
export function sharedPortLot(socket: usize, remote: IpAddress, remotePort: u16): u64 {
  if (key0 == 0) {
    key0 = randomU64() | 1;
    key1 = randomU64();
  }
  siphashBegin(key0, key1);
  siphashWord(remote.high);
  siphashWord(remote.low);
  siphashWord(((<u64>remotePort) << 32) | socket);
  return siphashEnd();
}
