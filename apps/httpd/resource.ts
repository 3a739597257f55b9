// From a request to the thing it asks for: methods, targets, files, directories.
import {
  BAD_REQUEST,
  EXPECTATION_FAILED,
  EXPECT_UNKNOWN,
  METHOD_GET,
  METHOD_HEAD,
  METHOD_NOT_ALLOWED,
  METHOD_OPTIONS,
  METHOD_UNKNOWN,
  MISDIRECTED_REQUEST,
  NOT_FOUND,
  NOT_IMPLEMENTED,
  PATH_MALFORMED,
  Request,
  SLASH,
  TARGET_CAPACITY,
  TARGET_HTTPS,
  normalisePath,
  spanEnd,
  spanStart,
} from "karyon/http/message";
import { answerOptions, answerRedirect, answerStatus } from "./answer";
import { Connection } from "./connection";
import { answerFile, answerMissing } from "./file_answer";
import { findName, siteErrorPage } from "./site";
import { answerStatusPage, countRequest, isStatusPage } from "./status_page";

/** The normalised path of the request being answered, and room for a slash. */
const path = memory.data(1032, 8);

/** Answers what is neither a file nor the status page, the path of `length` bytes at `path`; false when that is not its either. */
export type Route = (connection: Connection, path: usize, length: u32) => bool;

let otherResources: Route | null = null;

/** Has `route` asked first, by architectures that have more to show. */
export function setRoute(route: Route): void {
  otherResources = route;
}

/** True for a method that this server carries out. */
export function allowsMethod(request: Request): bool {
  const method = request.method;
  return method == METHOD_GET || method == METHOD_HEAD || method == METHOD_OPTIONS;
}

/** Writes the answer to the request under way, whose head is complete. */
export function answerRequest(connection: Connection): void {
  const request = connection.request;
  countRequest();
  if (request.has(EXPECT_UNKNOWN)) return answerStatus(connection, EXPECTATION_FAILED);
  // RFC 9110 section 7.4: a request for https that did not come over a secured connection is refused.
  if (request.has(TARGET_HTTPS)) return answerStatus(connection, MISDIRECTED_REQUEST);
  // RFC 9110 section 9.1: 501 for a method nobody here knows, 405 for one that is known and not allowed.
  if (request.method == METHOD_UNKNOWN) return answerStatus(connection, NOT_IMPLEMENTED);
  if (!allowsMethod(request)) return answerStatus(connection, METHOD_NOT_ALLOWED);
  if (request.method == METHOD_OPTIONS) return answerOptions(connection);
  answerPath(connection, request);
}

function answerPath(connection: Connection, request: Request): void {
  const message = connection.message;
  const result = normalisePath(spanStart(message, request.path), spanEnd(message, request.path), path);
  if (result == PATH_MALFORMED) return answerStatus(connection, BAD_REQUEST);
  if (result < 0) return answerNotFound(connection);
  const length = <u32>result;
  const route = otherResources;
  if (route !== null && route(connection, path, length)) return;
  if (isStatusPage(path, length)) return answerStatusPage(connection);
  const name = findName(path, length);
  if (name === null) return answerNotFound(connection);
  const file = name.file;
  if (file !== null) return answerFile(connection, file);
  // A directory without its slash: relative links on its page need it. Without a page there is nothing to go to.
  if (length >= <u32>TARGET_CAPACITY) return answerNotFound(connection);
  store<u8>(path + length, SLASH);
  if (findName(path, length + 1) === null) return answerNotFound(connection);
  answerRedirect(connection, path, length);
}

function answerNotFound(connection: Connection): void {
  const page = siteErrorPage();
  if (page !== null) answerMissing(connection, page);
  else answerStatus(connection, NOT_FOUND);
}
