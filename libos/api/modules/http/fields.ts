// The fields of a message: names without regard to case, each value a text (RFC 9110 section 5).

/** Fields by name, in the order in which they came. */
@final
export class Fields {
  names: string[] = [];
  values: string[] = [];

  /** The value of field `name`, those of several lines joined by ", "; null when there is none. */
  get(name: string): string | null {
    const wanted = name.toLowerCase();
    let value: string | null = null;
    for (let i = 0; i < this.names.length; i++) {
      if (this.names[i] == wanted) value = value === null ? this.values[i] : `${value}, ${this.values[i]}`;
    }
    return value;
  }

  /** Adds a field. */
  add(name: string, value: string): void {
    this.names.push(name.toLowerCase());
    this.values.push(value);
  }

  /** Puts `value` in the place of all that field `name` has. */
  set(name: string, value: string): void {
    const wanted = name.toLowerCase();
    for (let i = this.names.length - 1; i >= 0; i--) {
      if (this.names[i] != wanted) continue;
      this.names.splice(i, 1);
      this.values.splice(i, 1);
    }
    this.add(name, value);
  }

  /** The lines as they are sent. A field that would be no line, or two, is left out: whoever puts what others say into an answer shall not have them write its head. */
  toString(): string {
    let lines = "";
    for (let i = 0; i < this.names.length; i++) {
      if (isName(this.names[i]) && isValue(this.values[i])) lines += `${this.names[i]}: ${this.values[i]}\r\n`;
    }
    return lines;
  }
}

/** Whether a text is a token (RFC 9110 section 5.6.2). */
export function isName(text: string): bool {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code <= 0x20 || code >= 0x7f || '"(),/:;<=>?@[\\]{}'.includes(text.charAt(i))) return false;
  }
  return text.length != 0;
}

/** Whether a text holds no control character but tabs, and nothing beyond ASCII. */
function isValue(text: string): bool {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if ((code < 0x20 && code != 0x09) || code >= 0x7f) return false;
  }
  return true;
}
