// What the demultiplexing table (table.ts) needs of an entry, common to a connection (socket.ts), a SYN that a listener has
// answered (half_open.ts) and a connection that is over and only remembered (time_wait.ts).
import { IpAddress } from "../ip/address";
import { IpSettings } from "../ip/settings";

/** Values of TcpEndpoint.kind. */
export const ENDPOINT_SOCKET: u8 = 0;
export const ENDPOINT_HALF_OPEN: u8 = 1;
export const ENDPOINT_TIME_WAIT: u8 = 2;

/** What the demultiplexing table knows of a connection. Ports in host order. */
@unmanaged
export class TcpEndpoint {
  hashNext: usize;
  /** Of the remote end and the local port, while it is in the table. */
  hash: u32;
  // Storage of the addresses: use `local` and `remote`.
  private localHigh: u64;
  private localLow: u64;
  private remoteHigh: u64;
  private remoteLow: u64;
  localPort: u16;
  remotePort: u16;
  /** ENDPOINT_… */
  kind: u8;
  /** A state of state.ts. */
  state: u8;
  /** Shift count of the windows we send. */
  receiveScale: u8;
  /** Shift count of the windows we receive. */
  sendScale: u8;
  // Storage of the settings: use `settings`.
  private settingsBytes: u64;

  /** Our address; "any" before connect unless bound to one. */
  get local(): IpAddress {
    return changetype<IpAddress>(changetype<usize>(this) + offsetof<TcpEndpoint>("localHigh"));
  }

  /** The peer's address, :: while there is none. */
  get remote(): IpAddress {
    return changetype<IpAddress>(changetype<usize>(this) + offsetof<TcpEndpoint>("remoteHigh"));
  }

  /** What was asked of the IP headers of all that we send. */
  get settings(): IpSettings {
    return changetype<IpSettings>(changetype<usize>(this) + offsetof<TcpEndpoint>("settingsBytes"));
  }
}

/** Bytes of a TcpEndpoint, for static instances. */
export const TCP_ENDPOINT_SIZE: i32 = 56;
