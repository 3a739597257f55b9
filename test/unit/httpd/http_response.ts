// A strict reader of HTTP/1.1 responses (RFC 9112), for tests: it throws at anything the grammar does not allow.

/** A response as it came. */
export interface Response {
  readonly status: number;
  readonly reason: string;
  /** By lower-case name. A field that comes twice is an error, since this server has no reason to send one twice. */
  readonly fields: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

const STATUS_LINE = /^HTTP\/1\.1 ([1-5]\d\d) ([\t \x21-\x7e]*)$/;
const FIELD_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\x21-\x7e](?:[\t \x21-\x7e]*[\x21-\x7e])?)?[ \t]*$/;
const IMF_FIXDATE =
  /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT$/;

/**
 * Reads all responses in `data`.
 * @param methods of the requests they answer, in their order; where it says nothing, a response whose head is followed
 *   by the next head or by nothing counts as one to HEAD
 * @throws Error when anything is malformed, or the last response is not complete
 */
export function parseResponses(data: Buffer, methods?: readonly string[]): Response[] {
  const responses: Response[] = [];
  let finals = 0;
  for (let at = 0; at < data.length;) {
    const { response, end } = parseResponse(data, at, methods?.[finals]);
    responses.push(response);
    if (response.status >= 200) finals++;
    at = end;
  }
  return responses;
}

function parseResponse(data: Buffer, at: number, method: string | undefined): { response: Response; end: number } {
  const headEnd = data.indexOf("\r\n\r\n", at);
  if (headEnd < 0)
    throw new Error(`no end of a response head: ${JSON.stringify(data.toString("latin1", at, at + 200))}`);
  const [statusLine = "", ...lines] = data.toString("latin1", at, headEnd).split("\r\n");
  const match = STATUS_LINE.exec(statusLine);
  if (match === null) throw new Error(`not a status line: ${JSON.stringify(statusLine)}`);
  const status = Number(match[1]);
  const fields = parseFields(lines);
  checkFields(status, fields);
  const bodyStart = headEnd + 4;
  const length = bodyLength(data, bodyStart, status, fields, method);
  if (bodyStart + length > data.length)
    throw new Error(`body of ${data.length - bodyStart} bytes in place of ${length}`);
  const body = data.subarray(bodyStart, bodyStart + length);
  return { response: { status, reason: match[2] ?? "", fields, body }, end: bodyStart + length };
}

function parseFields(lines: readonly string[]): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of lines) {
    const match = FIELD_LINE.exec(line);
    if (match === null) throw new Error(`not a field: ${JSON.stringify(line)}`);
    const name = (match[1] ?? "").toLowerCase();
    if (fields.has(name)) throw new Error(`${name} comes twice`);
    fields.set(name, match[2] ?? "");
  }
  return fields;
}

function checkFields(status: number, fields: ReadonlyMap<string, string>): void {
  const date = fields.get("date");
  // RFC 9110 section 6.6.1: an origin server with a clock sends Date in all 2xx, 3xx and 4xx.
  if (status >= 200 && (date === undefined || !IMF_FIXDATE.test(date))) throw new Error(`Date is ${date}`);
  const length = fields.get("content-length");
  if (length !== undefined && !/^\d+$/.test(length)) throw new Error(`Content-Length is ${length}`);
  // RFC 9110 section 8.6: none in 1xx and 204; every other answer of this server is delimited by it, but for 304.
  const forbidden = status < 200 || status === 204;
  if (forbidden && length !== undefined) throw new Error(`${status} with Content-Length`);
  if (!forbidden && status !== 304 && length === undefined) throw new Error(`${status} without Content-Length`);
  if (status === 405 && !fields.has("allow")) throw new Error("405 without Allow");
  if ((status === 416 || status === 206) && !fields.has("content-range"))
    throw new Error(`${status} without Content-Range`);
}

function bodyLength(
  data: Buffer,
  start: number,
  status: number,
  fields: ReadonlyMap<string, string>,
  method: string | undefined,
): number {
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) return 0;
  const length = Number(fields.get("content-length"));
  if (method !== undefined) return length;
  const rest = data.toString("latin1", start, start + 9);
  return rest === "" || rest === "HTTP/1.1 " ? 0 : length;
}
