// The shared libraries of a set of programs: the closure of DT_NEEDED over the libraries of a package tree.
import { existsSync } from "node:fs";
import { readFile, realpath } from "node:fs/promises";
import { join } from "node:path";
import type { PackageTree } from "../../debian/packages.ts";
import { KaryonError } from "../../support/errors.ts";
import type { FileTree } from "./cpio.ts";
import { neededLibraries } from "../../support/elf.ts";

const LIBRARY_FOLDER = "usr/lib/x86_64-linux-gnu";

/** Gathers what programs need, then puts it into a file tree. */
export class LibraryCollector {
  readonly #names = new Set<string>();

  constructor(private readonly tree: PackageTree) {}

  /** Takes in what the program or library `content` names. */
  needs(content: Buffer): void {
    for (const name of neededLibraries(content)) this.#names.add(name);
  }

  /** Takes in a library that programs load by name at run time, so that no ELF header tells of it. */
  name(library: string): void {
    this.#names.add(library);
  }

  /** Adds all libraries, and those they need, where the loader looks for them. */
  async addTo(root: FileTree): Promise<void> {
    // A Set iterates over what is added on the way, so this walks the whole closure.
    for (const name of this.#names) {
      const content = await readFile(await this.#find(name));
      root.file(name.startsWith("ld-linux") ? `usr/lib64/${name}` : `${LIBRARY_FOLDER}/${name}`, content, 0o755);
      this.needs(content);
    }
  }

  async #find(name: string): Promise<string> {
    for (const folder of [LIBRARY_FOLDER, "lib/x86_64-linux-gnu", "lib64"]) {
      const path = join(this.tree.root, folder, name);
      if (existsSync(path)) return path;
    }
    const own = join("/", LIBRARY_FOLDER, name);
    // Only Node can ask for a library beyond the packages' closure: it is the host's, and so is its library.
    if (existsSync(own)) return realpath(own);
    throw new KaryonError("BAD_PACKAGES", `the shared library ${name} is in none of the Debian packages`);
  }
}
