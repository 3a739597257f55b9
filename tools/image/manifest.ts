// karyon.json: what an app says about itself. Checked field by field; a field that is not known is an error too, so
// that a misspelt one does not silently mean the default. A folder can have more of them under other names (prefork.json), each
// an image of its own: another entry, other arguments. A WebAssembly module of another toolchain can be the entry, and needs no manifest then.
import { readdir, readFile } from "node:fs/promises";
import { isIPv6 } from "node:net";
import path from "node:path";
import { z } from "zod";
import { KaryonError } from "../support/errors.ts";
import { displayPath } from "./paths.ts";
import { isForeign } from "./wasi.ts";

const MEBIBYTE = 1024 * 1024;
const KIBIBYTE = 1024;
const LEAST_MEMORY = MEBIBYTE;
const MOST_MEMORY = 3 * 1024 * MEBIBYTE;
const MOST_FAMILY_MEMORY = 1024 * 1024 * MEBIBYTE;
const LEAST_VOLUME = 4 * MEBIBYTE;
const MOST_VOLUME = 1024 * 1024 * MEBIBYTE;
const MOST_DISKS = 8;
/** As many as the kernel has room for (libos/wasi/preopen.ts). */
const MOST_PREOPENS = 16;
const LEAST_STACK = 16 * KIBIBYTE;
const MOST_STACK = 16 * MEBIBYTE;
/** What a module of another toolchain gets, whose compiler knows nothing of it: as much as wasmtime gives. */
const FOREIGN_STACK = 512 * KIBIBYTE;
const LONGEST_NAME = 32;

const OCTET = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const ADDRESS = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`);
const ADDRESS_AND_PREFIX = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}/(?:[1-9]|[12]\\d|3[0-2])$`);
const PRINTABLE = /^[\x20-\x7e]*$/;

const UNITS: Readonly<Record<string, number>> = { K: KIBIBYTE, M: MEBIBYTE, G: 1024 * MEBIBYTE };

function bytes(least: number, most: number): z.ZodType<number, string> {
  return z
    .string()
    .regex(/^[1-9]\d*[KMG]$/, 'expected a size such as "16M"')
    .transform((text) => Number(text.slice(0, -1)) * (UNITS[text.slice(-1)] ?? 1))
    .refine((size) => size >= least && size <= most, `expected ${sizeText(least)} to ${sizeText(most)}`);
}

/** A size as the manifest writes it, for example "16M". */
export function sizeText(size: number): string {
  return size % MEBIBYTE === 0 ? `${size / MEBIBYTE}M` : `${Math.ceil(size / KIBIBYTE)}K`;
}

const printable = z.string().regex(PRINTABLE, "expected printable ASCII");

const relativePath = z
  .string()
  .min(1)
  .refine(
    (file) => !path.isAbsolute(file) && !path.normalize(file).startsWith(".."),
    "expected a path inside the app's folder",
  );

const children = z.int().min(1).max(64);
const FORK_EXPECTED = 'expected a number of children, 1 to 64, or an object such as {"children": 8, "memory": "64M"}';
const forkSchema = z.strictObject({
  children,
  memory: bytes(LEAST_MEMORY, MOST_FAMILY_MEMORY).optional(),
  rate: z.int().min(1).max(65535).optional(),
});

type ForkManifest = z.output<typeof forkSchema>;

/** True for an IPv6 address as the kernel reads it: hexadecimal groups only, no zone. */
function isAddress6(text: string): boolean {
  return isIPv6(text) && !/[.%]/.test(text);
}

const address6 = z.string().refine(isAddress6, 'expected an address such as "fe80::1"');
const prefixed6 = z.string().refine((text) => {
  const [address = "", bits = "", ...rest] = text.split("/");
  return isAddress6(address) && /^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= 128 && rest.length === 0;
}, 'expected an address and its prefix such as "fd00::20/64"');

const ipv6Schema = z
  .strictObject({ address: prefixed6.optional(), gateway: address6.optional() })
  .refine(({ address, gateway }) => address !== undefined || gateway === undefined, {
    path: ["gateway"],
    message: "belongs to an address",
  });

const networkSchema = z.strictObject({
  address: z
    .union([z.literal("dhcp"), z.string().regex(ADDRESS_AND_PREFIX)], 'expected "dhcp" or "10.0.2.20/24"')
    .default("dhcp"),
  gateway: z.string().regex(ADDRESS, 'expected an address such as "10.0.2.2"').optional(),
  dns: z.string().regex(ADDRESS, 'expected an address such as "10.0.2.3"').optional(),
  ipv6: z
    .union([z.literal("off"), ipv6Schema], 'expected "off" or an object such as {"address": "fd00::20/64"}')
    .optional(),
  bridge: z
    .string()
    .regex(/^[\w.-]{1,15}$/, "expected the name of a bridge of dom0")
    .optional(),
  mac: z
    .string()
    .regex(/^[0-9a-f][02468ace](?::[0-9a-f]{2}){5}$/i, 'expected a unicast address such as "00:16:3e:00:00:01"')
    .optional(),
});

// Where a file system in memory is mounted, as the kernel reads it (libos/fs/mounts.ts), and how much it may take.
const mountPath = z.string().refine((text) => {
  const [before, ...names] = text.split("/");
  const isName = (name: string): boolean => /^[\x21-\x39\x3b-\x7e]{1,255}$/.test(name) && !/^\.\.?$/.test(name);
  return before === "" && names.length > 0 && names.every(isName);
}, 'expected an absolute path such as "/var/lib"');

// What a program for WASI calls a directory of the image that it begins with.
const preopenName = z.string().regex(/^[\x20-\x7e]{1,255}$/, "expected a name such as /data");
const preopens = z
  .record(preopenName, z.union([z.literal("/"), mountPath], 'expected an absolute path such as "/var/lib"'))
  .refine((names) => Object.keys(names).length <= MOST_PREOPENS, `expected at most ${MOST_PREOPENS}`);

/** What a disk is: the size of a volume that the image tool makes, or the path of a file or block device of the Xen host that holds one. */
const DISK_EXPECTED = 'expected a size such as "64M", 4M at least, or the absolute path of a file or block device';
const diskSource = z.union(
  [bytes(LEAST_VOLUME, MOST_VOLUME), z.string().regex(/^\/[\x21-\x2b\x2d-\x7e]+$/, DISK_EXPECTED)],
  DISK_EXPECTED,
);

// What execve finds: /bin/<name>.
const programName = z.string().regex(/^[A-Za-z0-9][\w.+-]{0,63}$/, 'expected the name of a program such as "worker"');
const source = relativePath.refine((file) => file.endsWith(".ts"), "expected a .ts file");
const entry = relativePath.refine((file) => file.endsWith(".ts") || isForeign(file), "expected a .ts or .wasm file");

const manifestSchema = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, "expected lower case letters, digits and -, at most 32"),
    entry: entry.default("index.ts"),
    programs: z.record(programName, source).default({}),
    memory: bytes(LEAST_MEMORY, MOST_MEMORY).default(16 * MEBIBYTE),
    stack: bytes(LEAST_STACK, MOST_STACK).optional(),
    network: z.union([z.literal(false), networkSchema], "expected false or an object").default(false),
    arguments: z.array(printable).default([]),
    environment: z
      .record(z.string().regex(/^[A-Za-z_]\w*$/, "expected a name such as LOG_LEVEL"), printable)
      .default({}),
    files: relativePath.optional(),
    tmpfs: z.record(mountPath, bytes(4 * KIBIBYTE, MOST_MEMORY)).default({}),
    proc: z.boolean().default(false),
    disks: z
      .record(mountPath, diskSource)
      .refine((disks) => Object.keys(disks).length <= MOST_DISKS, `expected at most ${MOST_DISKS}`)
      .default({}),
    preopens: preopens.optional(),
    optimize: z.enum(["speed", "size"], 'expected "speed" or "size"').optional(),
    fork: z
      .union([children.transform((count): ForkManifest => ({ children: count })), forkSchema], FORK_EXPECTED)
      .optional(),
  })
  .refine(({ network }) => network === false || network.address !== "dhcp" || network.gateway === undefined, {
    path: ["network", "gateway"],
    message: "comes from the DHCP server",
  })
  .refine(({ name, programs }) => !(name in programs), {
    path: ["programs"],
    message: "have the app's own name among them, which is what its entry is called",
  })
  .refine(({ entry, programs }) => !isForeign(entry) || Object.keys(programs).length === 0, {
    path: ["programs"],
    message: "cannot be with an entry that is a .wasm file",
  })
  .refine(({ entry, preopens }) => isForeign(entry) || preopens === undefined, {
    path: ["preopens"],
    message: "belong to an entry that is a .wasm file",
  })
  .transform((manifest) =>
    isForeign(manifest.entry) ? { ...manifest, stack: manifest.stack ?? FOREIGN_STACK } : manifest,
  );

/** The checked contents of karyon.json; sizes in bytes. */
export type Manifest = z.output<typeof manifestSchema>;

/** What a manifest may say, before it is checked. */
export type Fields = Readonly<Record<string, unknown>>;

/** A manifest, and the folder of the app's sources, to which its paths are relative. */
export interface App {
  readonly folder: string;
  readonly manifest: Manifest;
}

/**
 * Reads the manifest of an app.
 *
 * @param app the app's folder, whose karyon.json it is, or a manifest (a .json file) in it, or a .wasm file, which needs none
 * @param fields of the manifest that the .wasm file would have
 * @throws KaryonError NO_MANIFEST, BAD_MANIFEST with one line for each wrong field
 */
export async function readApp(app: string, fields: Fields = {}): Promise<App> {
  if (isForeign(app)) return foreignApp(path.resolve(app), fields);
  const file = path.resolve(app.endsWith(".json") ? app : path.join(app, "karyon.json"));
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) {
    throw new KaryonError("NO_MANIFEST", `there is no ${displayPath(file)}`, await mendFor(file));
  }
  if (Object.keys(fields).length > 0) {
    const mend = `write it into ${displayPath(file)}`;
    throw new KaryonError(
      "MANIFEST_OPTION",
      `options for ${Object.keys(fields).join(" and ")} are for .wasm files`,
      mend,
    );
  }
  return { folder: path.dirname(file), manifest: parseManifest(text, displayPath(file)) };
}

/** The app that a module is by itself, named like its file. */
function foreignApp(file: string, fields: Fields): App {
  const plain = path.basename(file, ".wasm").toLowerCase();
  const name = plain.replace(/[^a-z0-9]+/g, "-").replace(/^-+/, "").slice(0, LONGEST_NAME) || "program"; // prettier-ignore
  const manifest = { name, entry: path.basename(file), ...fields };
  return { folder: path.dirname(file), manifest: parseManifest(JSON.stringify(manifest), displayPath(file)) };
}

/** What to do about a manifest that is not there: others in the folder may be meant. */
async function mendFor(file: string): Promise<string> {
  const folder = path.dirname(file);
  const others = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".json")).sort();
  if (others.length === 0) return "an app is a folder with a karyon.json; npm run new -- my-app makes one";
  return `in that folder there is ${others.map((name) => displayPath(path.join(folder, name))).join(", ")}`;
}

/**
 * Checks the text of a manifest.
 *
 * @param file names it in messages
 * @throws KaryonError BAD_MANIFEST
 */
export function parseManifest(text: string, file: string): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new KaryonError("BAD_MANIFEST", `${file} is not JSON: ${error instanceof Error ? error.message : ""}`);
  }
  const result = manifestSchema.safeParse(json);
  if (result.success) return result.data;
  const lines = result.error.issues.map(({ path: field, message }) => `  ${field.join(".") || "(top)"}: ${message}`);
  throw new KaryonError("BAD_MANIFEST", `${file} is wrong\n${lines.join("\n")}`);
}
