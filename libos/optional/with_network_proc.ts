// What only an image has that has a network and whose manifest says "proc": the files of /proc/net, in the formats of Linux (net/core/net-procfs.c,
// net/ipv4/fib_trie.c, net/ipv4/tcp_ipv4.c and their like). libos/fs/proc/net/ implements it. Nothing here blocks.
import { TextBuffer } from "../../kernel/text";

/** The files. */
export const NET_DEV: u32 = 0;
export const NET_ROUTE: u32 = 1;
export const NET_TCP: u32 = 2;
export const NET_TCP6: u32 = 3;
export const NET_UDP: u32 = 4;
export const NET_UDP6: u32 = 5;
export const NET_FILES: u32 = 6;

/** Whether there are such files. */
export declare function netFilesThere(): bool;
/** Writes the text of NET_… `file`. */
export declare function netFileWrite(file: u32, out: TextBuffer): void;
