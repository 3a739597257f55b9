// An answer: what a handler returns, and what a client gets.
import { Fields } from "./fields";
import { reasonPhrase } from "./message/status";

/** An answer. */
@final
export class Response {
  fields: Fields = new Fields();

  constructor(
    public status: i32 = 200,
    /** Its content. */
    public body: Uint8Array = new Uint8Array(0),
    /** What Content-Type says; "": nothing. */
    type: string = "",
  ) {
    if (type.length != 0) this.fields.add("content-type", type);
  }

  /** The value of field `name`, without regard to case; null when there is none. */
  field(name: string): string | null {
    return this.fields.get(name);
  }

  /** Gives field `name` a value, ASCII without ends of lines, else it is not sent. Date, Server, Connection and what tells the length are not the handler's. Returns the answer. */
  set(name: string, value: string): Response {
    this.fields.set(name, value);
    return this;
  }

  /** The content as text (UTF-8). */
  get text(): string {
    return String.UTF8.decodeUnsafe(this.body.dataStart, this.body.length);
  }
}

/** An answer with a text of media type `type`. */
export function text(content: string, status: i32 = 200, type: string = "text/plain; charset=utf-8"): Response {
  return new Response(status, Uint8Array.wrap(String.UTF8.encode(content)), type);
}

/** An answer with a page. */
export function html(page: string, status: i32 = 200): Response {
  return text(page, status, "text/html; charset=utf-8");
}

/** An answer with a text in JSON. */
export function json(content: string, status: i32 = 200): Response {
  return text(content, status, "application/json");
}

/** An answer with bytes of media type `type`. */
export function bytes(content: Uint8Array, type: string = "application/octet-stream", status: i32 = 200): Response {
  return new Response(status, content, type);
}

/** An answer that sends the client to `location`, an absolute path or a URL: 301, 302, 303, 307, 308. */
export function redirect(location: string, status: i32 = 302): Response {
  return new Response(status).set("location", location);
}

/** An answer whose status says it all, with a line about it. */
export function status(number: i32): Response {
  return number < 200 || number == 204 || number == 304
    ? new Response(number)
    : text(`${number} ${reasonOf(number)}\n`, number);
}

/** The reason phrase of a status (RFC 9110 section 15, RFC 6585). */
export function reasonOf(number: i32): string {
  switch (number) {
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 406:
      return "Not Acceptable";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 415:
      return "Unsupported Media Type";
    case 422:
      return "Unprocessable Content";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    case 502:
      return "Bad Gateway";
    case 504:
      return "Gateway Timeout";
  }
  const known = reasonPhrase(number);
  // What it does not know is 500 to it.
  return known == "Internal Server Error" ? "" : known;
}
