// Name servers' replies that the resolver's tests share.
import { NXDOMAIN, a, response, soa } from "../unit/dns/message.ts";
import type { Script } from "./dns_server.ts";

/** The name that tests ask for, and what it has. */
export const NAME = "www.example.org";
export const ADDRESS = "192.0.2.1";

/** Says that every name has `address` for `seconds`. */
export function always(address = ADDRESS, seconds = 300): Script {
  return (query) => [response(query, { answers: [a(query.name, address, seconds)] })];
}

/** Knows some names; NXDOMAIN, to be kept for a minute, for the others. */
export function zone(names: Readonly<Record<string, string>>): Script {
  return (query) => {
    const address = names[query.name.toLowerCase()];
    return [
      address === undefined
        ? response(query, { code: NXDOMAIN, authority: [soa("example.org", 60)] })
        : response(query, { answers: [a(query.name, address)] }),
    ];
  };
}

/** Says nothing. */
export const silent: Script = () => [];
