// The one error convention of the tools: a stable `code` for programs, a message that names the thing that is wrong,
// and a mend that says what to do about it. Every tool prints such an error on one or two lines and exits with 1.

/** An error a user can act on. */
export class KaryonError extends Error {
  override readonly name = "KaryonError";

  /**
   * @param code stable identifier, upper snake case, for example "TOOL_MISSING"
   * @param message names the thing that is wrong
   * @param mend what the user can do about it; may be empty
   */
  constructor(
    readonly code: string,
    message: string,
    readonly mend: string = "",
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The text shown to a person for any thrown value: message and mend for ours, the stack for a bug of our own. */
export function describeError(error: unknown): string {
  if (error instanceof KaryonError) {
    return error.mend === "" ? `${error.message} [${error.code}]` : `${error.message} [${error.code}]\n  ${error.mend}`;
  }
  if (error instanceof Error) return error.stack ?? error.message;
  return String(error);
}
