// The xenstore nodes of a child: those of libxl's that somebody reads, so that xl list, xl console, xl network-list, xl shutdown and
// xl destroy take it for a domain like any other; and forkd's own record of the family. Each node costs whoever watches: of a console's back end
// domain 0's kernel would make a device, though xenconsoled serves a domain's first console by the domain's own nodes alone.
import type { Store, StoreNode } from "./xen/store.ts";

/** Where forkd keeps its record. */
export const FAMILIES = "/karyon/families";

/** What the nodes of a new domain tell of it. */
export interface NewDomain {
  readonly domain: number;
  readonly consoleFrame: number;
  readonly consolePort: number;
  readonly storeFrame: number;
  readonly storePort: number;
  /** Frames that it may count on. */
  readonly pages: number;
}

/** A network device of a parent, to be given to a child too. */
export interface NetworkDevice {
  readonly index: string;
  readonly bridge: string;
  readonly script: string;
  /** Its Ethernet address, as text. */
  readonly mac: string;
}

/** Where a child's network device is in domain 0. */
export interface AddedDevice {
  readonly backend: string;
  /** Linux's name of the back end's interface. */
  readonly interfaceName: string;
}

/** The network devices of a domain. */
export async function networkDevices(store: Store, domain: number): Promise<NetworkDevice[]> {
  const base = `/libxl/${domain}/device/vif`;
  const names = await store.directory(base);
  return Promise.all(
    names.map(async (index) => ({
      index,
      bridge: (await store.read(`${base}/${index}/bridge`)) ?? "xenbr0",
      script: (await store.read(`${base}/${index}/script`)) ?? "",
      mac: (await store.read(`${base}/${index}/mac`)) ?? "",
    })),
  );
}

/** All that belongs to a new domain except its devices' nodes. */
export function domainNodes(child: NewDomain, name: string, uuid: string): StoreNode[] {
  const { domain } = child;
  const home = `/local/domain/${domain}`;
  const vm = `/vm/${uuid}`;
  const kib = String(child.pages * 4);
  const readable = ["n0", `r${domain}`];
  const own = [`n${domain}`];
  return [
    { path: home, value: "", permissions: readable },
    { path: `${home}/vm`, value: vm },
    { path: `${home}/name`, value: name },
    { path: `${home}/domid`, value: String(domain) },
    { path: `${home}/cpu/0/availability`, value: "online" },
    { path: `${home}/memory/static-max`, value: kib },
    { path: `${home}/memory/target`, value: kib },
    { path: `${home}/device`, value: "" },
    { path: `${home}/control`, value: "" },
    // What it writes itself.
    ...["control/shutdown", "control/feature-poweroff", "control/feature-suspend", "data"].map((node) => ({
      path: `${home}/${node}`,
      value: "",
      permissions: own,
    })),
    { path: `${home}/store/port`, value: String(child.storePort) },
    { path: `${home}/store/ring-ref`, value: String(child.storeFrame) },
    { path: vm, value: "", permissions: readable },
    { path: `${vm}/uuid`, value: uuid },
    { path: `${vm}/name`, value: name },
    { path: `/libxl/${domain}/type`, value: "pv" },
    ...consoleNodes(child, home),
  ];
}

function consoleNodes({ domain, consolePort, consoleFrame }: NewDomain, home: string): StoreNode[] {
  return [
    { path: `${home}/console/limit`, value: "1048576" },
    { path: `${home}/console/type`, value: "xenconsoled" },
    { path: `${home}/console/output`, value: "pty" },
    { path: `${home}/console/tty`, value: "", permissions: ["n0", `r${domain}`] },
    { path: `${home}/console/port`, value: String(consolePort) },
    { path: `${home}/console/ring-ref`, value: String(consoleFrame) },
  ];
}

/** Where the back end of a child's device will be. */
export function addedDevice(domain: number, { index }: NetworkDevice): AddedDevice {
  return { backend: `/local/domain/0/backend/vif/${domain}/${index}`, interfaceName: `vif${domain}.${index}` };
}

/** What gives a child a network device like its parent's, with the same Ethernet address. */
export function networkNodes(domain: number, like: NetworkDevice): StoreNode[] {
  const { index, bridge, script, mac } = like;
  const frontend = `/local/domain/${domain}/device/vif/${index}`;
  const { backend } = addedDevice(domain, like);
  const device = [
    ["frontend", frontend],
    ["frontend-id", String(domain)],
    ["online", "1"],
    ["state", "1"],
    ["script", script],
    ["mac", mac],
    ["bridge", bridge],
    ["handle", index],
    ["type", "vif"],
  ] as const;
  const permissions = [`n${domain}`, "r0"];
  const front = Object.entries({ backend, "backend-id": "0", state: "1", handle: index, mac, trusted: "1" });
  return [
    { path: frontend, value: "", permissions },
    ...front.map(([node, value]) => ({ path: `${frontend}/${node}`, value })),
    { path: `${frontend}/mtu`, value: "1500", permissions: ["n0", `r${domain}`] },
    { path: backend, value: "", permissions: ["n0", `r${domain}`] },
    ...device.map(([node, value]) => ({ path: `${backend}/${node}`, value })),
    { path: `/libxl/${domain}/device/vif/${index}/backend`, value: backend },
    ...device.map(([node, value]) => ({ path: `/libxl/${domain}/device/vif/${index}/${node}`, value })),
  ];
}

/** Removes every node of a domain that has gone, its back end's included. */
export async function removeDomainNodes(store: Store, domain: number, uuid: string): Promise<void> {
  const backends = "/local/domain/0/backend/vif";
  const trees = [`${backends}/${domain}`, `/local/domain/${domain}`, `/libxl/${domain}`, `/vm/${uuid}`];
  await Promise.all(trees.map((path) => store.remove(path)));
  await store.removeEmpty(backends);
}
