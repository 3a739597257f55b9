// npm run image -- <app>: builds the appliance of a folder, of one of the manifests in it, or of a WebAssembly module of another toolchain.
import { stat } from "node:fs/promises";
import { createProgram, runProgram } from "../support/cli.ts";
import { logger } from "../support/log.ts";
import { buildImage } from "./build.ts";
import { displayPath } from "./paths.ts";

const program = createProgram("image", "Builds an app into an image that Xen boots, and its xl configuration.")
  .argument("<app>", "a folder with a karyon.json, a manifest (apps/httpd/prefork.json), or a program.wasm for WASI")
  .option("-o, --output <folder>", "where the results go (default: build/<name>)")
  .option("--name <name>", "of a .wasm file: the image's name (default: the file's)")
  .option("--memory <size>", "of a .wasm file: the domain's memory (default: 16M)")
  .option("--network <address>", "of a .wasm file: dhcp, or an address such as 10.0.2.20/24 (default: none)")
  .addHelpText(
    "after",
    "\nOf .wasm files: docs/wasi.md. With a karyon.json that names one as its entry, all else can be said of it.",
  )
  .action(async (app: string, { output, ...fields }: { output?: string; network?: string }) => {
    const begin = performance.now();
    const progress = (stage: string): void => logger.start(stage);
    const network = fields.network === undefined ? {} : { network: { address: fields.network } };
    const image = await buildImage(app, { ...(output && { output }), fields: { ...fields, ...network }, progress });
    const { size } = await stat(image.elf);
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    logger.success(`${displayPath(image.elf)} (${Math.ceil(size / 1024)} KiB) in ${seconds} s`);
    logger.info(`boot it with: xl create ${displayPath(image.cfg)}`);
  });

await runProgram(program);
