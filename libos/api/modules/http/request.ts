// A request as a handler gets it.
import { Fields } from "./fields";
import { decodeForm } from "./form";

/** A request. */
@final
export class Request {
  /** "GET", "POST" … */
  method: string = "";
  /** Decoded and normalised: it begins with "/" and has no "..", "." or empty parts; "*" for OPTIONS of the whole server. */
  path: string = "";
  /** What stands behind "?", as it came; "" without one. */
  query: string = "";
  fields: Fields = new Fields();
  /** Its content. */
  body: Uint8Array = new Uint8Array(0);
  /** The client's address as text. */
  client: string = "";

  /** The value of field `name`, without regard to case; null when there is none. */
  field(name: string): string | null {
    return this.fields.get(name);
  }

  /** The content as text (UTF-8). */
  get text(): string {
    return String.UTF8.decodeUnsafe(this.body.dataStart, this.body.length);
  }

  /** The value of `name` in the query ("?name=value&…"), decoded; null when there is none. */
  parameter(name: string): string | null {
    return decodeForm(this.query, name);
  }

  /** The same of the content of a form (application/x-www-form-urlencoded). */
  formField(name: string): string | null {
    return decodeForm(this.text, name);
  }
}
