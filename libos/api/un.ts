// sys/un.h: addresses of AF_UNIX sockets. There is no file system that could be written to, so a path is a name like any other: of this
// process alone, and gone when the socket is closed that is bound to it. Nothing has to be unlinked.
import { AF_UNIX } from "../posix/constants";
import { UNIX_ADDRESS_LENGTH, UNIX_ADDRESS_PATH } from "../posix/layout";
import { setErrno } from "./errno";
import * as posix from "./posix";
import { sockaddr } from "./sockaddr";

/** The longest name, in bytes of UTF-8; of an abstract one with the zero that begins it. */
export const UNIX_PATH_MAX: i32 = 108;

/**
 * struct sockaddr_un, with C's layout: `new sockaddr_un("/run/server")`; `new sockaddr_un("\0server")` is an abstract name; without a name it
 * is what getsockname and the like fill in, and what bind gives a name of the system's choice. C's length of the address lies behind it.
 */
@final
export class sockaddr_un extends sockaddr {
  // Room for the rest, which nothing aligns.
  private word1: u64 = 0;
  private word2: u64 = 0;
  private word3: u64 = 0;
  private word4: u64 = 0;
  private word5: u64 = 0;
  private word6: u64 = 0;
  private word7: u64 = 0;
  private word8: u64 = 0;
  private word9: u64 = 0;
  private word10: u64 = 0;
  private word11: u64 = 0;
  private word12: u64 = 0;
  private word13: u64 = 0;

  /** A name that is too long leaves the address without one, which no call but bind takes; errno is EINVAL then. */
  constructor(name: string = "") {
    super(<u16>AF_UNIX);
    const bytes = String.UTF8.encode(name);
    const error = posix.unix_address(changetype<usize>(this), changetype<usize>(bytes), bytes.byteLength);
    if (error < 0) setErrno(-error);
  }

  /** Bytes of the name; 0 without one. */
  get length(): i32 {
    return load<u16>(changetype<usize>(this), UNIX_ADDRESS_LENGTH);
  }

  /** Whether the name is abstract: its first byte is 0. */
  get isAbstract(): bool {
    return this.length != 0 && load<u8>(changetype<usize>(this), UNIX_ADDRESS_PATH) == 0;
  }

  /** The name, "" without one; an abstract one begins with a zero. */
  get sun_path(): string {
    return String.UTF8.decodeUnsafe(changetype<usize>(this) + UNIX_ADDRESS_PATH, this.length);
  }

  /** "/run/server", or "@server" for an abstract name. */
  toString(): string {
    const name = this.sun_path;
    return this.isAbstract ? "@" + name.substring(1) : name;
  }
}
