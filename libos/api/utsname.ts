// sys/utsname.h: what system this is, and the host's name, which HOSTNAME of the environment says, as in /proc/sys/kernel/hostname.
import { releaseText } from "../posix/constants";
import { getenv } from "./stdlib";

/** What Linux has when nobody has said anything. */
const NO_NAME = "(none)";

/** struct utsname. */
@final
export class utsname {
  sysname: string = "Karyon";
  nodename: string = NO_NAME;
  release: string = releaseText();
  version: string = "#1";
  machine: string = "x86_64";
}

/** Fills `name`. Returns 0. */
export function uname(name: utsname): i32 {
  name.nodename = gethostname();
  return 0;
}

/** The name of the host. */
export function gethostname(): string {
  const name = getenv("HOSTNAME");
  return name === null || name.length == 0 ? NO_NAME : name;
}
