// Status codes this server answers with (RFC 9110 section 15, RFC 6585) and their reason phrases.

export const OK: i32 = 200;
export const NO_CONTENT: i32 = 204;
export const PARTIAL_CONTENT: i32 = 206;
export const MOVED_PERMANENTLY: i32 = 301;
export const NOT_MODIFIED: i32 = 304;
export const BAD_REQUEST: i32 = 400;
export const NOT_FOUND: i32 = 404;
export const METHOD_NOT_ALLOWED: i32 = 405;
export const REQUEST_TIMEOUT: i32 = 408;
export const PRECONDITION_FAILED: i32 = 412;
export const CONTENT_TOO_LARGE: i32 = 413;
export const URI_TOO_LONG: i32 = 414;
export const RANGE_NOT_SATISFIABLE: i32 = 416;
export const EXPECTATION_FAILED: i32 = 417;
export const MISDIRECTED_REQUEST: i32 = 421;
export const REQUEST_HEADER_FIELDS_TOO_LARGE: i32 = 431;
export const INTERNAL_SERVER_ERROR: i32 = 500;
export const NOT_IMPLEMENTED: i32 = 501;
export const SERVICE_UNAVAILABLE: i32 = 503;
export const HTTP_VERSION_NOT_SUPPORTED: i32 = 505;

/** The reason phrase of a status code. */
export function reasonPhrase(status: i32): string {
  switch (status) {
    case OK:
      return "OK";
    case NO_CONTENT:
      return "No Content";
    case PARTIAL_CONTENT:
      return "Partial Content";
    case MOVED_PERMANENTLY:
      return "Moved Permanently";
    case NOT_MODIFIED:
      return "Not Modified";
    case BAD_REQUEST:
      return "Bad Request";
    case NOT_FOUND:
      return "Not Found";
    case METHOD_NOT_ALLOWED:
      return "Method Not Allowed";
    case REQUEST_TIMEOUT:
      return "Request Timeout";
    case PRECONDITION_FAILED:
      return "Precondition Failed";
    case CONTENT_TOO_LARGE:
      return "Content Too Large";
    case URI_TOO_LONG:
      return "URI Too Long";
    case RANGE_NOT_SATISFIABLE:
      return "Range Not Satisfiable";
    case EXPECTATION_FAILED:
      return "Expectation Failed";
    case MISDIRECTED_REQUEST:
      return "Misdirected Request";
    case REQUEST_HEADER_FIELDS_TOO_LARGE:
      return "Request Header Fields Too Large";
    case NOT_IMPLEMENTED:
      return "Not Implemented";
    case SERVICE_UNAVAILABLE:
      return "Service Unavailable";
    case HTTP_VERSION_NOT_SUPPORTED:
      return "HTTP Version Not Supported";
    default:
      return "Internal Server Error";
  }
}
