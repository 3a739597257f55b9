// An app that resolves names on a network with servers that a test scripts.
import assert from "node:assert/strict";
import type { Domain } from "../../tools/fake-xen/domain.ts";
import { Host, type Guest } from "../../tools/fake-xen/host.ts";
import { AAAA } from "../unit/dns/message.ts";
import { ipText } from "../unit/net/frames.ts";
import { Calls, type Piece } from "./calls.ts";
import { DnsServer, type Script } from "./dns_server.ts";

const AF_INET = 2;
const AF_INET6 = 10;
const NAME = 0x3000;
const ADDRESSES = 0x3400;
const ADDRESS_SIZE = 20;
const ADDRESSES_MAXIMUM = 24;
const OWN_IP = "10.0.0.2";
/** Its network device. */
export const NETWORK = { mac: "00:16:3e:00:00:02" };

export const [ENOENT, EINTR, EAGAIN, EINVAL, ENODATA, ETIMEDOUT] = [2, 4, 11, 22, 61, 110];

/** The system call, for one of the app's threads. */
export class Resolving extends Calls {
  /** The addresses of `name`, or the negative errno. `slot` keeps the memory of threads apart. */
  *resolve(name: string, { family = AF_INET, slot = 0 } = {}): Piece<readonly string[] | number> {
    const text = Buffer.from(name, "latin1");
    const at = ADDRESSES + slot * 0x800;
    this.put(NAME + slot * 0x800, text);
    const count = yield* this.call("posix_resolve", NAME + slot * 0x800, text.length, family, at, ADDRESSES_MAXIMUM);
    if (count < 0) return count;
    return Array.from({ length: count }, (_, i) => {
      const bytes = this.get(at + i * ADDRESS_SIZE, ADDRESS_SIZE);
      const isLong = bytes.readUInt32LE(0) === AF_INET6;
      return isLong ? bytes.subarray(4).toString("hex") : ipText(bytes.readUInt32BE(4));
    });
  }

  resolve6(name: string): Piece<readonly string[] | number> {
    return this.resolve(name, { family: AF_INET6 });
  }
}

export interface Scene {
  readonly calls: Resolving;
  readonly host: Host;
  readonly guest: Guest;
  readonly domain: Domain;
  /** By the order of the scripts. */
  readonly servers: readonly DnsServer[];
}

export interface SceneOptions {
  /** One for each server. */
  readonly scripts: readonly Script[];
  /** Their addresses; 10.0.0.11, 10.0.0.12, … by default. Those of IPv4 are told on the command line. */
  readonly servers?: readonly string[];
  /** Options of the kernel in addition. */
  readonly options?: string;
  readonly files?: Uint8Array;
  readonly seed?: number;
}

export { AAAA };

/** A domain that runs `body` as its app, on a network with the servers; finish() waits for its end. */
export function startResolving(
  kernel: WebAssembly.Module,
  { scripts, servers: given, options = "", files, seed = 3 }: SceneOptions,
  body: (scene: Scene) => Piece<void>,
): { host: Host; guest: Guest; finish: () => void } {
  const host = new Host(kernel, seed);
  const addresses = given ?? scripts.map((_, i) => `10.0.0.${11 + i}`);
  const told = addresses.filter((address) => !address.includes(":"));
  const servers = scripts.map((script, i) => new DnsServer(host, addresses[i] ?? "", script));
  let failure: unknown;
  let done = false;
  const guest: Guest = host.create({
    commandLine: `ip=${OWN_IP}/24${told.map((address) => `,dns=${address}`).join("")} ${options}`,
    network: NETWORK,
    ...(files === undefined ? {} : { files }),
    app: function* (domain) {
      const calls = new Resolving(domain);
      try {
        yield* calls.sleep(2); // all networks are up by then
        yield* body({ calls, host, guest, domain, servers });
        done = true;
      } catch (error) {
        failure = error;
      }
      return 0;
    },
  });
  const finish = (): void => {
    host.world.runUntil(() => guest.domain.shutdown !== undefined || failure !== undefined, 100_000e9);
    if (failure !== undefined) throw failure;
    assert.ok(done, guest.console);
  };
  return { host, guest, finish };
}

/** Runs `body` as the app of a domain on a network with the servers, to its end. */
export function runResolving(
  kernel: WebAssembly.Module,
  options: SceneOptions,
  body: (scene: Scene) => Piece<void>,
): void {
  startResolving(kernel, options, body).finish();
}
