// The kernel's imports of modules with_<call>, for a kernel without those calls (docs/architecture.md, "Two modules, one image").

/** For each of them that `module` has a function which does nothing. */
export function emptyHooks(module: WebAssembly.Module): Record<string, WebAssembly.ModuleImports> {
  const hooks: Record<string, WebAssembly.ModuleImports> = {};
  for (const imported of WebAssembly.Module.imports(module)) {
    if (imported.module.startsWith("with_")) (hooks[imported.module] ??= {})[imported.name] = () => 0;
  }
  return hooks;
}
