// getrlimit and setrlimit. The number of descriptors is the only thing that is limited for a process apart from what its domain has; the app is
// root, so that it may raise its own maximum again, up to OPEN_MAX.
import { EFAULT, EINVAL, EPERM } from "../../kernel/errno";
import { descriptorLimit, descriptorSetLimit } from "../process/descriptors";
import { userBuffer } from "../process/user_memory";
import { OPEN_MAX, RLIMIT_NOFILE, RLIM_INFINITY, RLIM_NLIMITS } from "./constants";
import { RESOURCE_LIMIT_SIZE, ResourceLimit } from "./layout";

/** Up to here an app says that it will not go. */
let maximum: u32 = OPEN_MAX;

export function posix_getrlimit(resource: i32, limit: u32): i32 {
  if (<u32>resource >= <u32>RLIM_NLIMITS) return -EINVAL;
  const at = userBuffer(limit, RESOURCE_LIMIT_SIZE);
  if (at == 0) return -EFAULT;
  const told = changetype<ResourceLimit>(at);
  told.current = resource == RLIMIT_NOFILE ? <u64>descriptorLimit() : RLIM_INFINITY;
  told.maximum = resource == RLIMIT_NOFILE ? <u64>maximum : RLIM_INFINITY;
  return 0;
}

export function posix_setrlimit(resource: i32, limit: u32): i32 {
  const at = userBuffer(limit, RESOURCE_LIMIT_SIZE);
  if (at == 0) return -EFAULT;
  if (<u32>resource >= <u32>RLIM_NLIMITS) return -EINVAL;
  const current = changetype<ResourceLimit>(at).current;
  const most = changetype<ResourceLimit>(at).maximum;
  if (current > most) return -EINVAL;
  // Nothing else can be limited: better to say so than to let the app believe it.
  if (resource != RLIMIT_NOFILE) return current == RLIM_INFINITY ? 0 : -EPERM;
  if (most > OPEN_MAX) return -EPERM;
  maximum = <u32>most;
  descriptorSetLimit(<u32>current);
  return 0;
}
