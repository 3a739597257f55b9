// What an app imports as "karyon": POSIX in TypeScript. Names and meanings are C's, errors are -1 with `errno`; where C
// passes a buffer and its length, so does this (usize), and beside it stand calls for strings and typed arrays.
export * from "../posix/constants";
export * from "./console";
export * from "./errno";
export * from "./fcntl";
export * from "./files";
export * from "./fork_stats";
export * from "./dirent";
export * from "./inet";
export * from "./mutex";
export * from "./netdb";
export * from "./poll";
export * from "./process";
export * from "./select";
export * from "./signal";
export * from "./sendfile";
export * from "./socket";
export * from "./stat";
export * from "./stdio";
export * from "./stdlib";
export * from "./netstat";
export * from "./sysinfo";
export * from "./thread";
export * from "./time";
export * from "./unistd";
export * from "./wait";
