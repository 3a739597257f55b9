// unistd.h, users and groups: there is one user, root, in one group. Permissions are kept and told, and keep nobody from anything.

const ROOT: u32 = 0;

/** The user that the process runs as: 0, root. */
export function getuid(): u32 {
  return ROOT;
}

/** The user whose rights it has: 0. */
export function geteuid(): u32 {
  return ROOT;
}

/** The group that it runs in: 0. */
export function getgid(): u32 {
  return ROOT;
}

/** The group whose rights it has: 0. */
export function getegid(): u32 {
  return ROOT;
}
