// What an app imports as "karyon/fs": files and directories in a line each. A call that fails gives null or false, as its type has it, and errno
// says why; one that succeeds leaves errno alone. Texts are UTF-8. The calls of C, with descriptors, are in "karyon".
export { dirent } from "../../dirent";
export { readFile, readTextFile, writeFile, writeTextFile } from "../../files";
export { Stat } from "../../stat";
export * from "./append";
export * from "./directories";
export * from "./lines";
export * from "./replace";
export * from "./status";
