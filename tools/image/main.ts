// npm run image -- <app>: builds the appliance of a folder, or of one of the manifests in it.
import { stat } from "node:fs/promises";
import { createProgram, runProgram } from "../support/cli.ts";
import { logger } from "../support/log.ts";
import { buildImage } from "./build.ts";
import { displayPath } from "./paths.ts";

const program = createProgram("image", "Builds an app into an image that Xen boots, and its xl configuration.")
  .argument("<app>", "a folder with a karyon.json, or a manifest: apps/httpd/prefork.json")
  .option("-o, --output <folder>", "where the results go (default: build/<name>)")
  .action(async (app: string, options: { output?: string }) => {
    const begin = performance.now();
    const image = await buildImage(app, { ...options, progress: (stage) => logger.start(stage) });
    const { size } = await stat(image.elf);
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    logger.success(`${displayPath(image.elf)} (${Math.ceil(size / 1024)} KiB) in ${seconds} s`);
    logger.info(`boot it with: xl create ${displayPath(image.cfg)}`);
  });

await runProgram(program);
