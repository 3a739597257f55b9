// The servers that Karyon is measured against on Linux: Debian's, configured as a Debian user would for the one thing that is
// measured. What a server logs for each request is off, since Karyon's logs nothing either.
import type { PackageSet } from "../debian/packages.ts";
import type { StaticProgram } from "./static_program.ts";

/** A server and what it takes to run it. */
export interface PeerServer {
  /** Of the domain, behind "linux-". */
  readonly name: string;
  /** For people. */
  readonly title: string;
  readonly packages: PackageSet;
  /** In place of a package's: a program of ours, as usr/bin/<its name>. */
  readonly program?: StaticProgram;
  /** Its program, and what that loads by name at run time; paths in the packages and in the guest. */
  readonly files: readonly string[];
  /** Its configuration: path in the guest → file of configuration/. */
  readonly configuration: Readonly<Record<string, string>>;
  /** Folders that it expects. */
  readonly folders: readonly string[];
  /** The command that runs it in the foreground. */
  readonly command: string;
  /** The TCP port at which it listens. */
  readonly port: number;
}

// Of Debian's mods-enabled, what it takes to serve files; the Multi-Processing Module is a module like the others.
const APACHE_MODULES = ["mpm_prefork", "authz_core", "dir", "mime"];

export const NGINX: PeerServer = {
  name: "nginx",
  title: "nginx on Linux",
  packages: {
    title: "nginx",
    packages: ["nginx"],
    without: /^(coreutils|iproute2|iso-codes|nginx-common)$/,
  },
  files: ["usr/sbin/nginx"],
  configuration: { "etc/nginx.conf": "nginx.conf" },
  folders: ["usr/share/nginx", "var/log/nginx", "var/lib/nginx"],
  command: "nginx -c /etc/nginx.conf",
  port: 80,
};

/** A process for each connection. */
export const APACHE: PeerServer = {
  name: "apache",
  title: "Apache (prefork) on Linux",
  packages: { title: "Apache", packages: ["apache2-bin"] },
  files: ["usr/sbin/apache2", ...APACHE_MODULES.map((name) => `usr/lib/apache2/modules/mod_${name}.so`)],
  configuration: { "etc/apache2.conf": "apache2.conf" },
  folders: ["etc/apache2"],
  command: "apache2 -f /etc/apache2.conf -D FOREGROUND",
  port: 80,
};

/** A process that is forked for each connection: BusyBox's httpd, which executes no other program for it. */
export const BUSYBOX_HTTPD: PeerServer = {
  name: "busybox",
  title: "BusyBox httpd on Linux",
  packages: { title: "the shell", packages: ["busybox-static"] },
  files: [],
  configuration: {},
  folders: [],
  command: "httpd -f -p 80 -h /srv",
  port: 80,
};

/** Nothing is written to disk. */
export const REDIS: PeerServer = {
  name: "redis",
  title: "redis on Linux",
  packages: { title: "redis", packages: ["redis-server"] },
  files: ["usr/bin/redis-server"],
  configuration: { "etc/redis.conf": "redis.conf" },
  folders: [],
  command: "redis-server /etc/redis.conf",
  port: 6379,
};

/** One thread for one CPU. */
export const MEMCACHED: PeerServer = {
  name: "memcached",
  title: "memcached on Linux",
  packages: { title: "memcached", packages: ["memcached"] },
  files: ["usr/bin/memcached"],
  configuration: {},
  folders: [],
  command: "memcached -u www-data -l 0.0.0.0 -m 64 -t 1",
  port: 11211,
};

/** Sends and receives as many bytes as it is asked to. */
export const BULK: PeerServer = {
  name: "bulk",
  title: "a C program on Linux",
  packages: { title: "the shell", packages: ["busybox-static"] },
  program: "bulk",
  files: [],
  configuration: {},
  folders: [],
  command: "bulk",
  port: 80,
};

/** Answers small messages. */
export const EXCHANGE: PeerServer = {
  ...BULK,
  name: "exchange",
  program: "exchange",
  command: "exchange",
  port: 7,
};

/** Does with sockets what a tester says (tools/conformance). */
export const SUBJECT: PeerServer = {
  ...BULK,
  name: "subject",
  title: "Linux",
  program: "subject",
  command: "subject",
  port: 7000,
};
