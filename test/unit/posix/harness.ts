export * from "../../../libos/posix/index";
