// Native programs of the host: nasm, the C compiler, binutils, QEMU. The system's own is used when it is on PATH; else
// Debian's package is unpacked into the cache and run from there, with its own libraries (the C library excepted: those
// programs run on the host's, which is at least as new as Debian 12's).
// KARYON_TOOLS says otherwise: `cache` always takes Debian's, `system` never does, `auto` is the default.
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { KaryonError } from "../support/errors.ts";
import { setting } from "../support/setting.ts";
import { packageTree, type PackageSet, type PackageTree } from "./packages.ts";

/** How to run a program: `execa(command, [...args, ...yours], { env })`. */
export interface HostTool {
  readonly command: string;
  /** Arguments to put before one's own. */
  readonly args: readonly string[];
  /** Variables to add to the environment. */
  readonly env: Readonly<Record<string, string>>;
}

const LIBRARIES = ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"];
const C_LIBRARY = /^(libc6|libcrypt1|libgcc-s1)$/;

const NASM: PackageSet = { title: "NASM", packages: ["nasm"], without: C_LIBRARY };
const C_COMPILER: PackageSet = {
  title: "the C compiler",
  packages: ["gcc-12", "binutils"],
  without:
    /^(libc6|libcrypt1|libgcc-s1|lib[alt]?[lt]?asan8|liblsan0|libtsan2|libubsan1|libitm1|libquadmath0|libcc1-0|libgomp1|libatomic1)$/,
};
const XZ: PackageSet = { title: "xz", packages: ["xz-utils"], without: C_LIBRARY };
const PATCH: PackageSet = { title: "patch", packages: ["patch"], without: C_LIBRARY };
const LZ4: PackageSet = { title: "lz4", packages: ["lz4"], without: C_LIBRARY };
const WRK: PackageSet = { title: "wrk", packages: ["wrk"], without: C_LIBRARY };
const CURL: PackageSet = { title: "curl", packages: ["curl"], without: C_LIBRARY };
const TSHARK: PackageSet = { title: "tshark", packages: ["tshark"], without: C_LIBRARY };
const E2FSPROGS: PackageSet = { title: "e2fsprogs", packages: ["e2fsprogs"], without: C_LIBRARY };
// What clang would need to make programs for this host is left out: it makes WebAssembly here.
const WASI_CLANG: PackageSet = {
  title: "clang for WASI",
  packages: ["clang-14", "lld-14", "wasi-libc", "libclang-rt-14-dev-wasm32"],
  without:
    /^(libc6|libcrypt1|libgcc-s1|lib(c6|stdc\+\+-12|gcc-12|objc-12|tirpc|nsl|crypt)-dev|libc-dev-bin|linux-libc-dev|libobjc4|libgc1|(lib)?binutils.*|libctf.*|libgprofng0|libjansson4|lib[alt]?[lt]?asan8|liblsan0|libtsan2|libubsan1|libitm1|libquadmath0|libgomp1|libatomic1|libclang1-14|llvm-14-linker-tools|libtirpc.*|libnsl2|rpcsvc-proto|libgssapi.*|libkrb5.*|libk5.*|libcom-err2|libkeyutils1|libssl3)$/,
};
const QEMU: PackageSet = { title: "QEMU", packages: ["qemu-system-x86"], without: C_LIBRARY };

interface Recipe {
  readonly set: PackageSet;
  /** The program below the tree's root. */
  readonly program: string;
  readonly args?: (root: string) => string[];
  readonly env?: (root: string) => Record<string, string>;
}

const BINUTILS = ["as", "ld", "nm", "strip", "objcopy", "objdump", "readelf", "ar", "addr2line"] as const;
const EXT_TOOLS = ["mke2fs", "e2fsck", "debugfs"] as const;
type Binutil = (typeof BINUTILS)[number];

type ExtTool = (typeof EXT_TOOLS)[number];

/** The programs that can be had. */
export type HostToolName =
  | "nasm"
  | "gcc"
  | "qemu-system-x86_64"
  | "xz"
  | "patch"
  | "lz4"
  | "wrk"
  | "curl"
  | "tshark"
  | "wasi-clang"
  | Binutil
  | ExtTool;

const RECIPES: Readonly<Record<HostToolName, Recipe>> = {
  nasm: { set: NASM, program: "usr/bin/nasm" },
  gcc: { set: C_COMPILER, program: "usr/bin/gcc-12", env: binFirst },
  xz: { set: XZ, program: "usr/bin/xz" },
  patch: { set: PATCH, program: "usr/bin/patch" },
  lz4: { set: LZ4, program: "usr/bin/lz4" },
  wrk: { set: WRK, program: "usr/bin/wrk" },
  curl: { set: CURL, program: "usr/bin/curl" },
  tshark: { set: TSHARK, program: "usr/bin/tshark" },
  // No host has it under this name: clang with Debian's wasi-libc.
  "wasi-clang": {
    set: WASI_CLANG,
    program: "usr/lib/llvm-14/bin/clang",
    args: (root) => ["--target=wasm32-wasi", `--sysroot=${join(root, "usr")}`],
    env: binFirst, // wasm-ld-14
  },
  "qemu-system-x86_64": {
    set: QEMU,
    program: "usr/bin/qemu-system-x86_64",
    args: (root) => ["-L", join(root, "usr/share/qemu"), "-L", join(root, "usr/share/seabios")],
    env: (root) => ({ QEMU_MODULE_DIR: join(root, "usr/lib/x86_64-linux-gnu/qemu") }),
  },
  ...(Object.fromEntries(BINUTILS.map((name) => [name, { set: C_COMPILER, program: `usr/bin/${name}` }])) as Record<
    Binutil,
    Recipe
  >),
  ...(Object.fromEntries(EXT_TOOLS.map((name) => [name, { set: E2FSPROGS, program: `sbin/${name}` }])) as Record<
    ExtTool,
    Recipe
  >),
};

// gcc finds cc1 beside itself, but the assembler by PATH.
function binFirst(root: string): Record<string, string> {
  return { PATH: `${join(root, "usr/bin")}${delimiter}${process.env["PATH"] ?? ""}` };
}

const found = new Map<HostToolName, Promise<HostTool>>();

/**
 * How to run `name` on this host; fetched from Debian when need be.
 *
 * @throws KaryonError TOOL_MISSING with KARYON_TOOLS=system, BAD_SETTING with another word; what packageTree throws otherwise
 */
export function hostTool(name: HostToolName): Promise<HostTool> {
  let tool = found.get(name);
  if (tool === undefined) {
    tool = findTool(name);
    found.set(name, tool);
  }
  return tool;
}

async function findTool(name: HostToolName): Promise<HostTool> {
  const source = setting("KARYON_TOOLS", ["auto", "cache", "system"]);
  const recipe = RECIPES[name];
  if (source !== "cache") {
    const command = await searchPath(name);
    if (command !== undefined) return { command, args: [], env: {} };
  }
  if (source === "system") {
    const mend = `apt-get install ${recipe.set.packages.join(" ")}, or leave KARYON_TOOLS unset to have it fetched`;
    throw new KaryonError("TOOL_MISSING", `${name} is not on PATH`, mend);
  }
  return treeTool(await packageTree(recipe.set), recipe.program, recipe.args, recipe.env);
}

/** How to run `program` of an unpacked tree with the tree's own libraries. */
function treeTool(
  { root }: PackageTree,
  program: string,
  args?: (root: string) => string[],
  env?: (root: string) => Record<string, string>,
): HostTool {
  const libraries = LIBRARIES.map((folder) => join(root, folder)).join(":");
  return {
    command: join(root, program),
    args: args?.(root) ?? [],
    env: { LD_LIBRARY_PATH: libraries, ...env?.(root) },
  };
}

async function searchPath(name: string): Promise<string | undefined> {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    if (folder === "") continue;
    const candidate = join(folder, name);
    try {
      await access(candidate, constants.X_OK);
      return candidate;
    } catch {
      continue;
    }
  }
  return undefined;
}
