/**
 * The rules of the page and of its tests. The compiler is TypeScript 6, for the type check too: typescript-eslint reads
 * types through its JavaScript API, which version 7 has not.
 */

import js from "@eslint/js";
import { defineConfig } from "eslint/config";
import lit from "eslint-plugin-lit";
import litA11y from "eslint-plugin-lit-a11y";
import ts from "typescript-eslint";

const page = ["frontend/src/**/*.ts", "frontend/vite.config.ts"];
const tests = ["tests/frontend/**/*.ts"];

export default defineConfig(
  // Generated, or built.
  { ignores: ["frontend/src/api/types.ts", "frontend/dist/"] },
  {
    files: [...page, ...tests],
    extends: [js.configs.recommended, ts.configs.strictTypeChecked, ts.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { project: "frontend/tsconfig.json", tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      // `() => this.go()` is the short form of a function that gives nothing; elsewhere a void value is an error.
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      // A number in a text is meant; anything else but a string is a slip.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
    },
  },
  {
    files: page,
    extends: [lit.configs["flat/all"], litA11y.configs.recommended],
    rules: {
      // Functions and `map` in templates are how Lit's own documentation binds listeners and renders lists.
      "lit/no-template-arrow": "off",
      "lit/no-template-map": "off",
    },
  },
  {
    // Lit calls the listeners of a component's template with the component as `this`.
    files: ["frontend/src/**/sp-*.ts"],
    rules: { "@typescript-eslint/unbound-method": "off" },
  },
  {
    files: tests,
    rules: {
      // What is not there fails the test on that line.
      "@typescript-eslint/no-non-null-assertion": "off",
      // An async function is the short form of a stand-in that gives a promise.
      "@typescript-eslint/require-await": "off",
      // Wallets reject with plain objects (EIP-1193).
      "@typescript-eslint/only-throw-error": "off",
      "@typescript-eslint/prefer-promise-reject-errors": "off",
    },
  },
);
