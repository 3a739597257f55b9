// An app that calls nothing and exports every system call, so that its module imports them all.
export * from "../../../libos/api/posix";
