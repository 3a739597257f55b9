// The blob of embedded files (libos/fs), little endian, from the symbol boot_filesStart:
//   u32 magic "KFS1", u32 count
//   count entries of 48 bytes, ascending by the bytes of the path:
//     u32 pathOffset, u32 pathLength, u32 dataOffset, u16 mode, u16 program, u64 dataLength, u64 mtimeNs,
//     u8[16] first half of the SHA-256
//   paths; data, each file at a multiple of 16
// `mode` is S_IFREG and permissions; `program` is the number of the app's module that the file stands for, from 1, or 0.
// Offsets count from the blob's start. Paths are absolute: "/index.html".
import { createHash } from "node:crypto";
import { readFile, readdir, stat } from "node:fs/promises";
import path from "node:path";
import { KaryonError } from "../support/errors.ts";
import { displayPath } from "./paths.ts";

const MAGIC = 0x3153464b;
const HEADER_SIZE = 8;
const ENTRY_SIZE = 48;
const ALIGNMENT = 16;
const READ_ONLY = 0o100444;
const EXECUTABLE = 0o100555;

/** A file to embed. */
export interface EmbeddedFile {
  /** Absolute path in the image. */
  readonly path: string;
  readonly data: Uint8Array;
  readonly modified: bigint;
  /** The number of the module that it stands for, from 1. */
  readonly program?: number;
}

/**
 * The files below `folder`, by their path from there.
 *
 * @throws KaryonError FILES_UNREADABLE
 */
export async function collectFiles(folder: string): Promise<EmbeddedFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    throw new KaryonError("FILES_UNREADABLE", `cannot read the folder of files ${displayPath(folder)}`, "", {
      cause: error,
    });
  });
  return Promise.all(
    entries
      .filter((entry) => entry.isFile() || entry.isSymbolicLink())
      .map(async (entry) => {
        const file = path.join(entry.parentPath, entry.name);
        const [data, { mtimeNs }] = await Promise.all([readFile(file), stat(file, { bigint: true })]);
        return { path: `/${path.relative(folder, file)}`, data, modified: mtimeNs };
      }),
  );
}

/** Encodes the blob. */
export function filesBlob(files: readonly EmbeddedFile[]): Uint8Array {
  const sorted = files
    .map((file) => ({ ...file, pathBytes: Buffer.from(file.path) }))
    .sort((a, b) => Buffer.compare(a.pathBytes, b.pathBytes));
  const pathsStart = HEADER_SIZE + sorted.length * ENTRY_SIZE;
  const pathsEnd = sorted.reduce((end, { pathBytes }) => end + pathBytes.length, pathsStart);
  const total = sorted.reduce((end, { data }) => align(end) + data.length, pathsEnd);
  const blob = Buffer.alloc(total);
  blob.writeUInt32LE(MAGIC, 0);
  blob.writeUInt32LE(sorted.length, 4);
  let pathOffset = pathsStart;
  let dataEnd = pathsEnd;
  sorted.forEach(({ pathBytes, data, modified, program = 0 }, i) => {
    const entry = HEADER_SIZE + i * ENTRY_SIZE;
    const dataOffset = align(dataEnd);
    blob.writeUInt32LE(pathOffset, entry);
    blob.writeUInt32LE(pathBytes.length, entry + 4);
    blob.writeUInt32LE(dataOffset, entry + 8);
    blob.writeUInt16LE(program === 0 ? READ_ONLY : EXECUTABLE, entry + 12);
    blob.writeUInt16LE(program, entry + 14);
    blob.writeBigUInt64LE(BigInt(data.length), entry + 16);
    blob.writeBigUInt64LE(modified, entry + 24);
    createHash("sha256")
      .update(data)
      .digest()
      .copy(blob, entry + 32, 0, 16);
    pathBytes.copy(blob, pathOffset);
    blob.set(data, dataOffset);
    pathOffset += pathBytes.length;
    dataEnd = dataOffset + data.length;
  });
  return blob;
}

function align(offset: number): number {
  return Math.ceil(offset / ALIGNMENT) * ALIGNMENT;
}
