// A host: world, xenstored, hub, and the toolstack's part in a domain's life (create, shut down, save, restore).
import { Blkback, type BlkbackSettings } from "./blkback.ts";
import type { App } from "./coroutines.ts";
import { Domain } from "./domain.ts";
import { Hub } from "./hub.ts";
import { Netback, type NetbackSettings } from "./netback.ts";
import { World } from "./world.ts";
import { Xenstored, type StoreConnection } from "./xenstored.ts";

export interface GuestSettings {
  /** MiB; 16 if absent. */
  readonly memory?: number;
  readonly commandLine?: string;
  readonly app?: (domain: Domain) => App;
  /** Where the app's memory begins; a page behind 0 if absent. */
  readonly appLowest?: number;
  readonly programs?: readonly ((domain: Domain) => App)[];
  readonly files?: Uint8Array;
  readonly network?: NetbackSettings;
  readonly disks?: readonly BlkbackSettings[];
}

/** A domain with what the host keeps for it. */
export class Guest {
  connection: StoreConnection;
  netback: Netback | undefined;
  readonly blkbacks: Blkback[] = [];

  constructor(
    private readonly host: Host,
    readonly domain: Domain,
    network: NetbackSettings | undefined,
    disks: readonly BlkbackSettings[] = [],
  ) {
    const home = `/local/domain/${domain.id}`;
    for (const node of ["device", "control", "control/shutdown", "data"]) host.store.tree.write(`${home}/${node}`, "");
    host.store.tree.write(`${home}/domid`, String(domain.id));
    if (network !== undefined) this.plug(network);
    for (const disk of disks) this.plugDisk(disk);
    this.connection = host.store.introduce(domain);
  }

  get console(): string {
    this.domain.console.drain();
    return this.domain.console.output;
  }

  plug(network: NetbackSettings): Netback {
    this.netback = new Netback(this.host.store, this.domain, this.host.hub, network);
    this.netback.plug();
    return this.netback;
  }

  plugDisk(disk: BlkbackSettings): Blkback {
    const blkback = new Blkback(this.host.store, this.domain, disk);
    this.blkbacks.push(blkback);
    blkback.plug();
    return blkback;
  }

  /** `xl shutdown` and its kin: asks and waits until the domain has done it. */
  ask(what: "poweroff" | "reboot" | "suspend"): void {
    this.host.store.tree.write(`/local/domain/${this.domain.id}/control/shutdown`, what);
    this.host.world.runUntil(() => this.domain.shutdown !== undefined);
  }

  /** Waits until the console shows `text`. */
  awaitConsole(text: string, limit = 60e9): void {
    this.host.world.runUntil(() => this.console.includes(text), limit);
  }

  /** `xl save` and `xl restore`: the domain goes on with another xenstored connection and a new back end. */
  saveAndRestore(network?: NetbackSettings, disks: readonly BlkbackSettings[] = []): void {
    this.ask("suspend");
    this.host.store.release(this.connection);
    const old = this.netback;
    if (old !== undefined) {
      old.abandon();
      this.host.store.tree.remove(old.front);
      this.host.store.tree.remove(old.back);
    }
    for (const blkback of this.blkbacks.splice(0)) {
      blkback.abandon();
      this.host.store.tree.remove(blkback.front);
      this.host.store.tree.remove(blkback.back);
    }
    this.domain.restore();
    this.connection = this.host.store.introduce(this.domain);
    if (network !== undefined) this.plug(network);
    for (const disk of disks) this.plugDisk(disk);
  }

  /** Lets the next fork return in the child, and calls `prepare` for what forkd does to that before it runs. */
  becomeChildAtFork(prepare: () => void): void {
    this.domain.becomeChild = () => {
      this.domain.becomeChild = undefined;
      this.host.store.release(this.connection);
      this.domain.restore();
      this.connection = this.host.store.introduce(this.domain);
      prepare();
      return 0;
    };
  }

  /** `xl save -c`: the domain is saved and goes on. */
  checkpoint(): void {
    this.ask("suspend");
    this.domain.resume();
  }
}

export class Host {
  readonly world = new World();
  readonly store = new Xenstored(this.world);
  readonly hub: Hub;
  private nextDomain = 1;

  constructor(
    private readonly module: WebAssembly.Module,
    readonly seed: number,
  ) {
    this.hub = new Hub(this.world, seed);
  }

  create(settings: GuestSettings): Guest {
    // An app that sleeps for as long as anyone looks.
    const idle = function* (): App {
      for (;;) yield { name: "posix_nanosleep", args: [3_600_000_000_000n] };
    };
    const domain = new Domain(this.world, {
      module: this.module,
      id: this.nextDomain++,
      memory: settings.memory ?? 16,
      commandLine: settings.commandLine ?? "",
      app: settings.app ?? idle,
      programs: settings.programs ?? [],
      files: settings.files ?? new Uint8Array(),
      ...(settings.appLowest === undefined ? {} : { appLowest: settings.appLowest }),
      seed: this.seed,
    });
    return new Guest(this, domain, settings.network, settings.disks);
  }
}
