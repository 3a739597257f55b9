// Requirements that are not met on purpose, and why.

/** The reason by requirement. */
export const EXCEPTIONS: ReadonlyMap<string, string> = new Map([
  ...["MUST-51", "MUST-52", "MUST-53", "SHLD-24"].map(
    (id) => [id, "source routes are dropped (RFC 7126, 4.3)"] as const,
  ),
  ...["MAY-10", "MAY-11"].map((id) => [id, "IPv4 options are ignored, as the internet drops them (RFC 7126)"] as const),
]);
