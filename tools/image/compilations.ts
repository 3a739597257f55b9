// What the compiler is given of the modules of an image: generated entries that put kernel and libos, or an app and its start, together.
import type { Compilation } from "./assembly.ts";
import type { Manifest } from "./manifest.ts";

/** What an image's kernel has beside what every one has. */
export interface KernelParts {
  readonly network: boolean;
  readonly proc: boolean;
  readonly disk: boolean;
  readonly programs: boolean;
  readonly wasi: boolean;
}

// The compiler lays down __heap_base, the end of the static data, only where something mentions it.
export function kernelCompilation({ network, proc, disk, programs, wasi }: KernelParts): Compilation {
  const lines = [
    `export * from "./libos/${network ? "main_network" : "main"}";`,
    ...(proc ? ['export * from "./libos/main_proc";'] : []),
    ...(disk ? ['export * from "./libos/main_disk";'] : []),
    ...(proc && network ? ['export * from "./libos/main_network_proc";'] : []),
    ...(programs ? ['export * from "./libos/main_programs";'] : []),
    ...(wasi ? ['export * from "./libos/main_wasi";'] : []),
    ...(wasi && network ? ['export * from "./libos/main_network_wasi";'] : []),
    "export function staticDataEnd(): usize {",
    "  return __heap_base;",
    "}",
    "",
  ];
  return { target: "kernel", entry: "kernel.ts", generated: { "kernel.ts": lines.join("\n") } };
}

/** The features of the kernel (hooks.ts) that an image has because of its manifest. */
export function askedFeatures({ tmpfs, proc, disks, programs }: Manifest): string[] {
  const has = (fields: object): boolean => Object.keys(fields).length > 0;
  const changing = has(tmpfs) || has(disks);
  const features = { tmpfs: has(tmpfs), proc, disk: has(disks), unnamed: changing, programs: has(programs) };
  return Object.entries(features).flatMap(([name, asked]) => (asked ? [name] : []));
}

/** A program, by its source file from the app's folder. What it exports beside its start is left out where nothing uses it. */
export function appCompilation(appFolder: string, source: string): Compilation {
  return {
    target: "app",
    entry: "start.ts",
    appFolder,
    generated: {
      "start.ts": [
        `import { main } from "./app/${source.replace(/\.ts$/, "")}";`,
        'import { startArguments } from "karyon";',
        "export function _start(): i32 {",
        "  return main(startArguments());",
        "}",
        "export {",
        "  exitHandler as _exit_handler,",
        "  signalHandler as _signal_handler,",
        "  threadStart as _thread_start,",
        '} from "karyon";',
        "",
      ].join("\n"),
    },
  };
}
