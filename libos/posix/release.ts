// What release of Karyon this is, for uname() and /proc/version.

/** As package.json has it. */
export const RELEASE = "0.1.0";
