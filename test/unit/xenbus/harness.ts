// Test harness: the xenstore client and the front end's state machine as kernel.wasm has them.
export * from "../../../kernel/xenbus/xenstore";
export { netfrontStart, netfrontRestored } from "../../../libos/net/netfront/netfront";
