// What lies in the lab's dom0: which Debian packages it is made of, which of their programs and modules go in, and the
// few files of our own (tools/lab/dom0). A program's shared libraries follow by themselves.
import type { PackageSet } from "../../debian/packages.ts";

/** The packages dom0 and the hypervisor are taken from. */
export const DOM0_PACKAGES: PackageSet = {
  title: "the Xen host",
  packages: [
    "apache2-utils",
    "busybox-static",
    "curl",
    "dash",
    "e2fsprogs",
    "ethtool",
    "iproute2",
    "libatomic1",
    "libstdc++6",
    "libxenmisc4.17",
    "linux-image-amd64",
    "tcpdump",
    "xen-hypervisor-4.17-amd64",
    "xen-utils-4.17",
    "xen-utils-common",
    "xenstore-utils",
  ],
  without: /^(coreutils|iso-codes|libgcrypt20|libpam.*|lsb-base|sysvinit-utils|dmsetup|mount|bsdutils)$/,
};

const XEN_PROGRAMS = [
  "lsevtchn",
  "libxl-save-helper",
  "oxenstored",
  "readnotes",
  "xen-init-dom0",
  "xenconsole",
  "xenconsoled",
  "xenctx",
  "xenperf",
  "xenstored",
  "xentop",
  "xl",
];
const XENSTORE_PROGRAMS = ["exists", "list", "ls", "read", "rm", "watch", "write", "chmod", "control"];

/** Where Xen's own programs are in the package tree and in dom0. */
export const XEN_BIN = "usr/lib/xen-4.17/bin";

/** Programs and what they read, copied from the package tree, as paths below its root. */
export const PROGRAMS: readonly string[] = [
  "bin/dash",
  "bin/ip",
  "bin/ss",
  "etc/xen/oxenstored.conf",
  "sbin/bridge",
  "sbin/e2fsck",
  "sbin/ethtool",
  "sbin/mke2fs",
  "sbin/tc",
  // busybox's own wget, linked statically, crashes.
  // The client of `npm run bench -- http`.
  "usr/bin/ab",
  "usr/bin/curl",
  "usr/bin/tcpdump",
  "usr/bin/xenstore",
  ...XENSTORE_PROGRAMS.map((name) => `usr/bin/xenstore-${name}`),
  ...XEN_PROGRAMS.map((name) => `${XEN_BIN}/${name}`),
];

/** Links in dom0: path → target. */
export const LINKS: Readonly<Record<string, string>> = {
  bin: "usr/bin",
  sbin: "usr/sbin",
  lib: "usr/lib",
  lib64: "usr/lib64",
  "var/run": "/run",
  // Not busybox's shell: that one takes its own ip and tc, whatever PATH says.
  "usr/bin/sh": "dash",
  "usr/sbin/xl": "/usr/lib/xen-4.17/bin/xl",
  "usr/sbin/xentop": "/usr/lib/xen-4.17/bin/xentop",
  "usr/sbin/xenctx": "/usr/lib/xen-4.17/bin/xenctx",
  "usr/sbin/lsevtchn": "/usr/lib/xen-4.17/bin/lsevtchn",
};

/** Shared libraries that programs load by name at run time, so that no ELF header tells of them. */
export const LIBRARIES: readonly string[] = [
  "libxenctrl.so.4.17",
  "libxenevtchn.so.1",
  "libxenforeignmemory.so.1",
  "libxengnttab.so.1",
  "libxenguest.so.4.17",
  "libxenstore.so.4",
  "libdl.so.2",
  "libpthread.so.0",
  "librt.so.1",
];

/** Kernel modules; their dependencies come along. */
export const MODULES: readonly string[] = [
  "virtio_pci",
  "virtio_net",
  "virtio_rng",
  "xen_evtchn",
  "xen_gntdev",
  "xen_gntalloc",
  "xen_privcmd",
  "xenfs",
  "xen_netback",
  "xen_blkback",
  "loop",
  // ext3 is a part of it; crc32c, by which it names what libcrc32c has, comes with nf_tables below.
  "ext4",
  "bridge",
  "tun",
  "veth",
  "sch_netem",
  "sch_tbf",
  "sch_prio",
  "sch_ingress",
  "cls_u32",
  "cls_matchall",
  "cls_flower",
  "cls_bpf",
  "act_gact",
  "act_mirred",
  "act_pedit",
  // What forkd needs for families with one address; libcrc32c asks for the first by name, of which its own record says nothing.
  "crc32c_generic",
  "nf_tables",
  "nft_hash",
  "nft_fwd_netdev",
  "nft_dup_netdev",
  "dummy",
];

/** Files of our own: path in dom0 → file in tools/lab/dom0, and its permissions. */
export const OWN_FILES: readonly (readonly [path: string, source: string, permissions: number])[] = [
  ["init", "init", 0o755],
  ["etc/inittab", "inittab", 0o644],
  ["etc/passwd", "passwd", 0o644],
  ["etc/group", "group", 0o644],
  ["etc/udhcpd.conf", "udhcpd.conf", 0o644],
  ["etc/xen/xl.conf", "xl.conf", 0o644],
  ["etc/xen/scripts/block", "block", 0o755],
  ["etc/xen/scripts/vif-bridge", "vif-bridge", 0o755],
];
