// What the modules beside "karyon" – "karyon/fs" and the like – use of the functions of libos/api, read from their sources: of a name that an app
// imports from one, and of the methods that it calls, all functions that are named on the way, types left out. Methods are told apart by their names
// alone, among the files that the caller imports.
import { readFile, readdir } from "node:fs/promises";
import { posix } from "node:path";
import ts from "typescript";
import { repositoryPath } from "../image/paths.ts";

const API = "libos/api";
const MODULES = `${API}/modules`;
/** What an app imports from: "karyon" or a module. */
const SPECIFIER = /^karyon(?:\/(.+))?$/;

/** What a piece of code names. */
interface Named {
  readonly names: ReadonlySet<string>;
  readonly properties: ReadonlySet<string>;
}

/** A name of another file. */
interface Foreign {
  readonly file: string;
  readonly name: string;
}

/** What is read of a source. */
interface Source {
  /** What it imports, by the name that it has here. */
  readonly imports: ReadonlyMap<string, Foreign>;
  /** What it gives on under a name. */
  readonly passes: ReadonlyMap<string, Foreign>;
  /** Files of which it gives on everything. */
  readonly passesAll: readonly string[];
  readonly functions: ReadonlyMap<string, Named>;
  readonly methods: readonly (readonly [name: string, method: Named])[];
}

/** All modules. */
export type Modules = ReadonlyMap<string, Source>;

/** Reads the modules. */
export async function readModules(): Promise<Modules> {
  const found = await readdir(repositoryPath(MODULES), { recursive: true });
  const files = found.filter((name) => name.endsWith(".ts")).map((name) => posix.join(MODULES, name));
  return new Map(
    await Promise.all(
      files.map(async (file) => [file, readSource(file, await readFile(repositoryPath(file), "utf8"))] as const),
    ),
  );
}

/** The functions of libos/api that a source of an app, with this text, uses by way of modules or itself. */
export function usedFunctions(modules: Modules, file: string, text: string): ReadonlySet<string> {
  const source = readSource(file, text);
  const used = new Set<string>();
  const seen = new Set<string>();
  for (const foreign of source.imports.values()) follow(modules, foreign, used, seen);
  const code = namedIn(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true));
  followMethods(modules, source, code, used, seen);
  return used;
}

function readSource(file: string, text: string): Source {
  const imports = new Map<string, Foreign>();
  const passes = new Map<string, Foreign>();
  const passesAll: string[] = [];
  const functions = new Map<string, Named>();
  const methods: (readonly [string, Named])[] = [];
  for (const statement of ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true).statements) {
    if (ts.isImportDeclaration(statement)) {
      const from = resolve(file, statement.moduleSpecifier);
      const bindings = statement.importClause?.namedBindings;
      if (bindings === undefined || !ts.isNamedImports(bindings)) continue;
      for (const { name, propertyName } of bindings.elements) {
        imports.set(name.text, { file: from, name: (propertyName ?? name).text });
      }
    } else if (ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined) {
      const from = resolve(file, statement.moduleSpecifier);
      if (statement.exportClause === undefined) passesAll.push(from);
      else if (ts.isNamedExports(statement.exportClause)) {
        for (const { name, propertyName } of statement.exportClause.elements) {
          passes.set(name.text, { file: from, name: (propertyName ?? name).text });
        }
      }
    } else if (ts.isFunctionDeclaration(statement) && statement.name !== undefined) {
      functions.set(statement.name.text, namedIn(statement));
    } else if (ts.isClassDeclaration(statement)) {
      for (const member of statement.members) {
        const name = member.name !== undefined && ts.isIdentifier(member.name) ? member.name.text : "constructor";
        methods.push([name, namedIn(member)]);
      }
    }
  }
  return { imports, passes, passesAll, functions, methods };
}

/** The file that `specifier` of `file` means. */
function resolve(file: string, specifier: ts.Expression): string {
  const text = ts.isStringLiteral(specifier) ? specifier.text : "";
  const [, module] = SPECIFIER.exec(text) ?? [];
  if (module !== undefined) return posix.join(MODULES, module, "index.ts");
  return SPECIFIER.test(text) ? posix.join(API, "index.ts") : `${posix.join(posix.dirname(file), text)}.ts`;
}

function namedIn(node: ts.Node): Named {
  const names = new Set<string>();
  const properties = new Set<string>();
  const visit = (inner: ts.Node): void => {
    if (ts.isTypeNode(inner) || ts.isImportDeclaration(inner)) return;
    if (ts.isPropertyAccessExpression(inner)) {
      properties.add(inner.name.text);
      visit(inner.expression);
    } else {
      if (ts.isIdentifier(inner)) names.add(inner.text);
      ts.forEachChild(inner, visit);
    }
  };
  visit(node);
  return { names, properties };
}

function follow(modules: Modules, { file, name }: Foreign, used: Set<string>, seen: Set<string>): void {
  const key = `${file} ${name}`;
  if (seen.has(key)) return;
  seen.add(key);
  const source = modules.get(file);
  if (source === undefined) {
    if (file.startsWith(API)) used.add(name);
    return;
  }
  const passed = source.passes.get(name);
  if (passed !== undefined) follow(modules, passed, used, seen);
  for (const all of source.passesAll) follow(modules, { file: all, name }, used, seen);
  const code = source.functions.get(name);
  if (code !== undefined) followCode(modules, file, code, used, seen);
}

function followCode(modules: Modules, file: string, code: Named, used: Set<string>, seen: Set<string>): void {
  const source = modules.get(file);
  if (source === undefined) return;
  for (const name of code.names) {
    const foreign = source.imports.get(name) ?? { file, name };
    if (source.imports.has(name) || source.functions.has(name)) follow(modules, foreign, used, seen);
  }
  followMethods(modules, source, code, used, seen, file);
}

/** Methods of the names that `code` of `source` has, in all files that it imports, and in its own. */
function followMethods(
  modules: Modules,
  source: Source,
  code: Named,
  used: Set<string>,
  seen: Set<string>,
  own?: string,
): void {
  const files = new Set(own === undefined ? [] : [own]);
  const reach = (file: string): void => {
    const reached = modules.get(file);
    if (reached === undefined || files.has(file)) return;
    files.add(file);
    for (const next of [...reached.passesAll, ...[...reached.passes.values()].map((each) => each.file)]) reach(next);
  };
  for (const { file } of source.imports.values()) reach(file);
  for (const file of files) {
    for (const [name, method] of modules.get(file)?.methods ?? []) {
      const key = `${file} .${name}`;
      if (!code.properties.has(name) || seen.has(key)) continue;
      seen.add(key);
      followCode(modules, file, method, used, seen);
    }
  }
}
