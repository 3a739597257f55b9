// npm run new -- <folder>: lays down an app that builds and runs.
import { createProgram, runProgram } from "../support/cli.ts";
import { logger } from "../support/log.ts";
import { displayPath } from "../image/paths.ts";
import { createApp } from "./create.ts";

const program = createProgram("new", "Lays down a new app: sources, manifest and editor settings.")
  .argument("<folder>", "where; the folder's name becomes the app's. A bare name goes to apps/")
  .action(async (folder: string) => {
    const created = await createApp(folder);
    logger.success(`${displayPath(created)} is there`);
    logger.info(`build it with: npm run image -- ${displayPath(created)}`);
  });

await runProgram(program);
