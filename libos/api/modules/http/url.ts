// URLs of http (RFC 3986, RFC 9110 section 4.2.1).
import { EINVAL, EPROTONOSUPPORT } from "../../../../kernel/errno";
import { setErrno } from "../../errno";

const SCHEME = "http://";
const DEFAULT_PORT: i32 = 80;

/** The parts of a URL that a client needs. */
@final
export class Url {
  constructor(
    /** A name or an address, without the brackets of an IPv6 one. */
    public host: string,
    public port: u16,
    /** Path and query: what a request asks for. */
    public target: string,
    /** What its Host field says. */
    public authority: string,
  ) {}
}

/** A port as text; DEFAULT_PORT for "", -1 for none. */
function portOf(text: string): i32 {
  if (text.length > 5) return -1;
  let port = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = <u32>(text.charCodeAt(i) - 0x30);
    if (digit > 9) return -1;
    port = port * 10 + digit;
  }
  return text.length == 0 ? DEFAULT_PORT : port > 65535 || port == 0 ? -1 : port;
}

/** Whether a text can stand in a request's head: visible ASCII. */
function isVisible(text: string): bool {
  for (let i = 0; i < text.length; i++) if (<u32>(text.charCodeAt(i) - 0x21) > 0x5d) return false;
  return true;
}

/** The parts of `text`; null with errno EINVAL (none) or EPROTONOSUPPORT (of another scheme, such as https). */
export function parseUrl(text: string): Url | null {
  if (text.substring(0, SCHEME.length).toLowerCase() != SCHEME) {
    setErrno(text.includes("://") ? EPROTONOSUPPORT : EINVAL);
    return null;
  }
  setErrno(EINVAL);
  let end = SCHEME.length;
  while (end < text.length && !"/?#".includes(text.charAt(end))) end++;
  const authority = text.substring(SCHEME.length, end);
  const fragment = text.indexOf("#", end);
  const rest = text.substring(end, fragment < 0 ? text.length : fragment);
  const bracket = authority.indexOf("]");
  const colon = authority.indexOf(":", max(bracket, 0));
  const name = colon < 0 ? authority : authority.substring(0, colon);
  const host = name.startsWith("[") && name.endsWith("]") ? name.substring(1, name.length - 1) : name;
  const port = colon < 0 ? DEFAULT_PORT : portOf(authority.substring(colon + 1));
  if (host.length == 0 || port < 0 || authority.includes("@") || !isVisible(authority) || !isVisible(rest)) return null;
  return new Url(host, <u16>port, rest.startsWith("/") ? rest : "/" + rest, authority);
}
