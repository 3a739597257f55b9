// What an app imports as "karyon/http/message": the messages of HTTP/1.1 (RFC 9110 and 9112) without input or output, in memory of the app's own and without
// allocation, for servers that have an event loop of their own, as apps/httpd. Those of few lines are "karyon/http".
export * from "./body";
export * from "./bytes";
export * from "./content_type";
export * from "./date";
export * from "./fields";
export * from "./head";
export * from "./parser";
export * from "./request";
export * from "./request_line";
export * from "./span";
export * from "./status";
export * from "./target";
export * from "./words";
export * from "./writer";
