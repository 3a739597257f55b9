// What an app imports as "karyon/http": a server and a client of HTTP/1.1 (RFC 9110, RFC 9112) in few lines, without TLS. The messages themselves are message/. A
// call that fails returns null or false, as its type has it, and errno says why; one that succeeds leaves errno alone.
export * from "./client";
export { Fields } from "./fields";
export { decodeText } from "./form";
export * from "./request";
export { Response, bytes, html, json, redirect, status, text } from "./response";
export * from "./server";
