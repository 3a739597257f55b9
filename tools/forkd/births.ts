// The making of a child: from a parent's request to a domain that runs, or back to nothing where a step fails.
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { promisify } from "node:util";
import { describeError } from "../support/errors.ts";
import type { Log } from "../support/log.ts";
import { copyDomain, type CopiedDomain, type Xen } from "./copy.ts";
import { nameOfFirst, type Family, type Member } from "./family.ts";
import type { Limits } from "./limits.ts";
import { mapMember, type Members } from "./members.ts";
import { errnoOf } from "./xen/library.ts";
import type { Store } from "./xen/store.ts";
import {
  networkDevices,
  removeDomainNodes,
  writeDomainNodes,
  writeNetworkDevice,
  type AddedDevice,
} from "./xenstore_nodes.ts";

const EAGAIN = 11;
const ENOMEM = 12;
const BRIDGE_ATTEMPTS = 100;
const BRIDGE_INTERVAL_MS = 50;
const run = promisify(execFile);

/** Makes children for members that ask. */
export class Births {
  constructor(
    private readonly xen: Xen,
    private readonly store: Store,
    private readonly members: Members,
    private readonly limits: Limits<Family>,
    private readonly log: Log,
  ) {}

  /** Answers one request; whatever goes wrong, the parent gets an answer. */
  async answer(parent: Member): Promise<void> {
    let result = this.limits.admit(parent.family, this.xen.control.info(parent.domain)?.pages ?? 0);
    if (result === 0) {
      parent.family.reserve();
      const pid = parent.family.nextPid();
      try {
        await this.#makeChild(parent, pid);
        result = pid;
      } catch (error) {
        result = errnoOf(error) === ENOMEM ? -ENOMEM : -EAGAIN;
        this.log(`${parent.name} cannot fork: ${describeError(error)}`);
      }
      parent.family.release();
    }
    if (!this.members.serves(parent)) return;
    parent.descriptor.setResult(result);
    this.members.notify(parent);
  }

  async #makeChild(parent: Member, pid: number): Promise<void> {
    const start = performance.now();
    const { family } = parent;
    const uuid = randomUUID();
    const name = `${nameOfFirst(parent)}-${pid}`;
    const intent = { pid, domain: 0, uuid, parentPid: parent.pid, name, descriptorFrame: 0 };
    // Before the domain exists: whoever comes after a forkd that died here can tell what it was.
    const lastPid = family.lastPidNode();
    await Promise.all([
      this.store.write(lastPid.path, lastPid.value),
      this.store.writeAll(family.record(intent, "forking")),
    ]);
    let copied: CopiedDomain | undefined;
    try {
      const { descriptorFrame, descriptor, domain } = parent;
      const order = { parent: domain, descriptorFrame, uuid, pid, parentPid: parent.pid };
      copied = copyDomain(this.xen, { ...order, request: descriptor.request() });
      const copyEnd = performance.now();
      await this.#bringUp(parent, copied, { pid, name, uuid });
      const [copyMs, allMs] = [copyEnd - start, performance.now() - start].map((ms) => ms.toFixed(0));
      this.log(`${parent.name} forked ${name} (domain ${copied.domain}): copied in ${copyMs} ms, up in ${allMs} ms`);
    } catch (error) {
      await this.#giveUp(family, pid, uuid, copied);
      throw error;
    }
  }

  async #bringUp(
    parent: Member,
    copied: CopiedDomain,
    { pid, name, uuid }: { readonly pid: number; readonly name: string; readonly uuid: string },
  ): Promise<void> {
    const { domain } = copied;
    await writeDomainNodes(this.store, copied, name, uuid);
    for (const device of await networkDevices(this.store, parent.domain)) {
      const added = await writeNetworkDevice(this.store, domain, device);
      void this.#attachToBridge(added);
    }
    await this.store.introduce(domain, copied.storeFrame, copied.storePort);
    const identity = { pid, domain, uuid, name, parentPid: parent.pid };
    const { descriptorFrame } = copied;
    await this.store.writeAll(parent.family.record({ ...identity, descriptorFrame }, "running"));
    this.members.take(mapMember(this.xen.memory, parent.family, identity, descriptorFrame));
    this.xen.control.unpause(domain);
  }

  async #giveUp(family: Family, pid: number, uuid: string, copied: CopiedDomain | undefined): Promise<void> {
    try {
      const member = family.members.get(pid);
      if (member !== undefined) this.members.letGo(member);
      if (copied !== undefined) {
        this.xen.control.destroy(copied.domain);
        await this.store.release(copied.domain).catch(() => undefined);
        await removeDomainNodes(this.store, copied.domain, uuid);
      }
      await this.store.remove(family.path(pid));
    } catch (error) {
      this.log(`a half-made child is left: ${describeError(error)}`);
    }
  }

  /** Puts netback's interface on the bridge as soon as netback has made it: the work of libxl's hotplug script. */
  async #attachToBridge({ backend, interfaceName, bridge }: AddedDevice): Promise<void> {
    for (let attempt = 1; attempt <= BRIDGE_ATTEMPTS; attempt++) {
      if ((await this.store.read(`${backend}/state`)) === undefined) return;
      try {
        await run("ip", ["link", "set", "dev", interfaceName, "master", bridge, "up"]);
      } catch {
        await new Promise((resolve) => setTimeout(resolve, BRIDGE_INTERVAL_MS));
        continue;
      }
      // netback tells its front end that it is connected only after this.
      await this.store.write(`${backend}/hotplug-status`, "connected");
      return;
    }
    this.log(`${interfaceName} did not appear, or bridge ${bridge} does not take it`);
  }
}
