// Media types by file name extension (IANA registry). Text goes out as UTF-8.
import { DOT, equalsFolded, SLASH } from "./bytes";

/** The Content-Type of the file whose name is [from, end). */
export function contentTypeOf(from: usize, end: usize): string {
  let dot = end;
  while (dot > from && load<u8>(dot - 1) != DOT && load<u8>(dot - 1) != SLASH) dot--;
  if (dot == from || load<u8>(dot - 1) != DOT) return "application/octet-stream";
  const text = textType(dot, end);
  return text.length != 0 ? text : binaryType(dot, end);
}

function textType(from: usize, end: usize): string {
  if (equalsFolded(from, end, "html") || equalsFolded(from, end, "htm")) return "text/html; charset=utf-8";
  if (equalsFolded(from, end, "css")) return "text/css; charset=utf-8";
  if (equalsFolded(from, end, "js") || equalsFolded(from, end, "mjs")) return "text/javascript; charset=utf-8";
  if (equalsFolded(from, end, "txt") || equalsFolded(from, end, "log")) return "text/plain; charset=utf-8";
  if (equalsFolded(from, end, "md")) return "text/markdown; charset=utf-8";
  if (equalsFolded(from, end, "csv")) return "text/csv; charset=utf-8";
  if (equalsFolded(from, end, "ts")) return "text/plain; charset=utf-8";
  if (equalsFolded(from, end, "json") || equalsFolded(from, end, "map")) return "application/json";
  if (equalsFolded(from, end, "webmanifest")) return "application/manifest+json";
  if (equalsFolded(from, end, "xml")) return "application/xml";
  if (equalsFolded(from, end, "svg")) return "image/svg+xml";
  return "";
}

function binaryType(from: usize, end: usize): string {
  if (equalsFolded(from, end, "png")) return "image/png";
  if (equalsFolded(from, end, "jpg") || equalsFolded(from, end, "jpeg")) return "image/jpeg";
  if (equalsFolded(from, end, "gif")) return "image/gif";
  if (equalsFolded(from, end, "webp")) return "image/webp";
  if (equalsFolded(from, end, "avif")) return "image/avif";
  if (equalsFolded(from, end, "ico")) return "image/vnd.microsoft.icon";
  if (equalsFolded(from, end, "woff2")) return "font/woff2";
  if (equalsFolded(from, end, "woff")) return "font/woff";
  if (equalsFolded(from, end, "ttf")) return "font/ttf";
  if (equalsFolded(from, end, "wasm")) return "application/wasm";
  if (equalsFolded(from, end, "pdf")) return "application/pdf";
  if (equalsFolded(from, end, "zip")) return "application/zip";
  if (equalsFolded(from, end, "gz")) return "application/gzip";
  if (equalsFolded(from, end, "mp3")) return "audio/mpeg";
  if (equalsFolded(from, end, "ogg")) return "audio/ogg";
  if (equalsFolded(from, end, "mp4")) return "video/mp4";
  if (equalsFolded(from, end, "webm")) return "video/webm";
  return "application/octet-stream";
}
