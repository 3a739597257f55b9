// Which two servers are compared: one of Karyon's, and what a Debian user would run for the same on Linux.
import { buildImage, type Image } from "../image/build.ts";
import { repositoryPath } from "../image/paths.ts";
import { logger } from "../support/log.ts";
import { addressLine } from "./addresses.ts";
import type { Side } from "./comparison.ts";
import { FILES } from "./http/loads.ts";
import { appImage, filesImage } from "./images.ts";
import { serverAddressLine, serverGuest } from "../peers/server_guest.ts";
import { APACHE, BULK, BUSYBOX_HTTPD, EXCHANGE, NGINX, type PeerServer } from "../peers/servers.ts";

/** An xl configuration, and the line that gives a guest its address ("10.0.2.20/24"). */
export interface ServerConfig {
  readonly cfg: string;
  readonly addressLine: (address: string) => string;
}

/** Two servers that do the same. */
export interface Contest {
  readonly titles: Readonly<Record<Side, string>>;
  readonly config: (side: Side) => Promise<ServerConfig>;
  /** A shell command in dom0 that succeeds when the server at `address` has answered. */
  readonly answers: (address: string) => string;
}

/** httpd and nginx with the same files. */
export const WEB = webContest(NGINX);

/** httpd and Apache, which has a process for each connection. */
export const APACHE_WEB = webContest(APACHE);

/** httpd and BusyBox's, which forks a process for each connection. */
export const FORKING_WEB = webContest(BUSYBOX_HTTPD);

/** Web servers with one page: as small as they are. */
export const SMALL_WEB: Contest = {
  ...WEB,
  config: async (side) => {
    if (side === "karyon") return imageConfig(await appImage("httpd"));
    const cfg = await serverGuest(NGINX, { "index.html": Buffer.from("served\n") });
    return { cfg, addressLine: serverAddressLine };
  },
};

/** httpd alone, which tells of itself at /.status; there is no such thing on the other side. */
export const STATUS_WEB: Contest = {
  ...WEB,
  config: async (side) => {
    if (side === "linux") return WEB.config(side);
    const image = await webImage();
    return imageConfig({ ...image, manifest: { ...image.manifest, arguments: ["poll", "--status"] } });
  },
};

/** Servers that move bytes over TCP. */
export const BULK_TCP: Contest = programContest(BULK, webAnswers);

/** Where the client of small messages lies in dom0. */
export const EXCHANGE_CLIENT = "/tmp/exchange";

/** Servers that answer small messages; the client must be in dom0 before they begin. */
export const SMALL_MESSAGES: Contest = programContest(EXCHANGE, (address) => `${EXCHANGE_CLIENT} tcp ${address} 1`);

/** An app of test/apps, and the C program of its name that does the same on Linux. */
function programContest(peer: PeerServer, answers: Contest["answers"]): Contest {
  return {
    titles: { karyon: "an app on Karyon", linux: peer.title },
    config: async (side) => {
      if (side === "linux") return { cfg: await serverGuest(peer), addressLine: serverAddressLine };
      const folder = repositoryPath("test/apps", peer.name);
      return imageConfig(await buildImage(folder, { progress: (stage) => logger.start(stage) }));
    },
    answers,
  };
}

function webContest(peer: PeerServer): Contest {
  return {
    titles: { karyon: "httpd on Karyon", linux: peer.title },
    config: async (side) => {
      if (side === "karyon") return imageConfig(await webImage());
      return { cfg: await serverGuest(peer, servedFiles()), addressLine: serverAddressLine };
    },
    answers: webAnswers,
  };
}

/** Karyon's image of WEB, or of another manifest of httpd's, with the same files. */
export function webImage(manifest?: string): Promise<Image> {
  return filesImage(servedFiles(), manifest);
}

function imageConfig(image: Image): ServerConfig {
  return { cfg: image.cfg, addressLine: (address) => addressLine(image, address) };
}

function webAnswers(address: string): string {
  return `curl -s -f -o /dev/null --connect-timeout 1 http://${address}/`;
}

function servedFiles(): Record<string, Buffer> {
  return Object.fromEntries(Object.entries(FILES).map(([name, size]) => [name, content(size)]));
}

/** Text that is not all the same. */
function content(size: number): Buffer {
  const line = "The quick brown fox jumps over the lazy dog. 0123456789 Karyon\n";
  return Buffer.from(line.repeat(Math.ceil(size / line.length)).slice(0, size));
}
