// What the kernel of an image with a network and a /proc has besides: what with_network_proc.ts names.
export { netFileWrite, netFilesThere } from "./fs/proc/net/files";
