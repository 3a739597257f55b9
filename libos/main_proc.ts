// What the kernel of an image with a /proc has besides: what with_proc.ts names. Its texts are many and would be in every image: static data is
// not left out when nobody uses it.
export { procClose, procLink, procRead, procStart, procStatus } from "./fs/proc/contents";
export { procDescriptor, procList, procLookup, procParent, procType } from "./fs/proc/nodes";
