// What every command line of the tools shares: commander with one exit convention. A KaryonError is printed as one
// clear message with its mend; exit status 1. Usage errors exit with 2.
import { Command, CommanderError } from "commander";
import { KaryonError, describeError } from "./errors.ts";
import { logger } from "./log.ts";

/** A commander program that throws instead of exiting, so that clean-up code runs. */
export function createProgram(name: string, description: string): Command {
  return new Command(name).description(description).showHelpAfterError("(try --help)").exitOverride();
}

/** Runs `program` on the process's arguments and sets the exit status. */
export async function runProgram(program: Command, argv: readonly string[] = process.argv): Promise<void> {
  try {
    await program.parseAsync([...argv]);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 2;
      return;
    }
    if (error instanceof KaryonError) logger.error(describeError(error));
    else logger.error(`internal error, please report it\n${describeError(error)}`);
    process.exitCode = 1;
  }
}
