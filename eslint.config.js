// One configuration for two languages that look alike: TypeScript for Node (tools, test) and AssemblyScript (kernel,
// libos, apps, and the harnesses and apps of the tests).
import eslint from "@eslint/js";
import prettier from "eslint-config-prettier";
import typescript from "typescript-eslint";

const ASSEMBLY = [
  "kernel/**/*.ts",
  "libos/**/*.ts",
  "apps/**/*.ts",
  "tools/new/starter/**/*.ts",
  "test/apps/**/*.ts",
  "test/**/harness*.ts",
  "test/unit/api/surface.ts",
];

const UNMANAGED = 'ClassDeclaration:has(> Decorator[expression.name="unmanaged"])';

export default typescript.config(
  { ignores: ["build/**", ".cache/**", "**/node_modules/**", "test/**/*.c"] },
  eslint.configs.recommended,
  typescript.configs.strict,
  {
    files: ["tools/**/*.ts", "test/**/*.ts"],
    ignores: ASSEMBLY,
    languageOptions: { parserOptions: { project: "./tsconfig.json", tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/explicit-module-boundary-types": "error",
      "@typescript-eslint/no-floating-promises": [
        "error",
        { allowForKnownSafeCalls: [{ from: "package", name: ["describe", "it", "test"], package: "node:test" }] },
      ],
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "no-restricted-syntax": [
        "error",
        { selector: "ExportDefaultDeclaration", message: "Export by name." },
        { selector: "TSEnumDeclaration", message: "Use a union of literals or a const object." },
      ],
    },
  },
  {
    files: ASSEMBLY,
    rules: {
      // What these rules mean for JavaScript they do not mean for AssemblyScript: types decide there.
      "no-undef": "off",
      "no-redeclare": "off",
      "no-loss-of-precision": "off",
      "no-constant-condition": "off",
      "prefer-const": "error",
      eqeqeq: "off",
      "@typescript-eslint/no-extraneous-class": "off",
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/unified-signatures": "off",
      "@typescript-eslint/no-invalid-void-type": "off",
      "@typescript-eslint/no-namespace": "off",
      "@typescript-eslint/ban-ts-comment": "off",
      "@typescript-eslint/no-loss-of-precision": "off",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "no-restricted-syntax": [
        "error",
        {
          selector: `${UNMANAGED} MethodDefinition[override=true], ${UNMANAGED} TSAbstractMethodDefinition`,
          message: "A virtual call on an unmanaged object reads the memory before it.",
        },
        {
          selector: `${UNMANAGED}[implements.length>0]`,
          message: "An unmanaged object cannot be told by its interface.",
        },
        {
          selector: 'MemberExpression[object.name="atomic"][property.name="fence"]',
          message: "binaryen drops atomic.fence: use barrier() of kernel/boot.ts.",
        },
        {
          selector: "FunctionDeclaration > Decorator, VariableDeclaration > Decorator",
          message: "Only classes carry decorators.",
        },
      ],
    },
  },
  { files: ["test/**/*.ts"], rules: { "@typescript-eslint/no-non-null-assertion": "off", "require-yield": "off" } },
  {
    files: ["kernel/**/*.ts", "libos/**/*.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        { paths: [{ name: "karyon", message: "The libOS does not import its own API." }] },
      ],
    },
  },
  prettier,
);
