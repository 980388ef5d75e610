import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

/** The theme is set by the script: without this, a dark page would flash in light first. Vite drops the attribute. */
const renderBlockingScript: Plugin = {
  name: "render-blocking-script",
  transformIndexHtml: {
    order: "post",
    handler: (html) => html.replace('<script type="module"', '<script type="module" blocking="render"'),
  },
};

const GZIP = "?gzip";
const LITERT_SCRIPT = /litert_wasm\w*_internal\.js$/;
const LITERT_EXPORT = /if \(typeof exports === 'object'[\s\S]*$/;

/** WebAssembly that is imported with `?gzip` becomes a compressed file: the server sends files as they are. */
const gzippedFiles = (): Plugin => {
  const served = new Map<string, string>();
  return {
    name: "gzipped-files",
    enforce: "pre",
    configureServer: ({ middlewares }) => {
      middlewares.use((request, response, next) => {
        const file = served.get(request.url ?? "");
        if (file) response.end(gzipSync(readFileSync(file)));
        else next();
      });
    },
    async resolveId(source, importer) {
      if (!source.endsWith(GZIP)) return null;
      const found = await this.resolve(source.slice(0, -GZIP.length), importer, { skipSelf: true });
      return found && `${found.id}${GZIP}`;
    },
    load(id) {
      if (!id.endsWith(GZIP)) return null;
      const file = id.slice(0, -GZIP.length);
      // A server would take `.gz` for how it is to be sent.
      const name = `${basename(file)}.gzip`;
      if (this.environment.mode === "dev") {
        served.set(`/${name}`, file);
        return `export default "/${name}"`;
      }
      const emitted = this.emitFile({ type: "asset", name, source: gzipSync(readFileSync(file), { level: 9 }) });
      return `export default import.meta.ROLLUP_FILE_URL_${emitted}`;
    },
  };
};

/** LiteRT's script is neither a module nor, by its package, CommonJS: a thread that is a module cannot load it as it is. */
const litertModule = (): Plugin => ({
  name: "litert-module",
  enforce: "pre",
  transform: (code, id) => (LITERT_SCRIPT.test(id) ? code.replace(LITERT_EXPORT, "export default ModuleFactory;") : null),
});

const backend = "http://127.0.0.1:5000";

export default defineConfig({
  root: import.meta.dirname,
  // A thread is served with these plugins, and built with its own below.
  plugins: [renderBlockingScript, gzippedFiles(), litertModule()],
  build: {
    // The first versions with the CSS function light-dark(), on which the tokens rest.
    target: ["chrome123", "firefox120", "safari17.5"],
    // Small files stay files: the page's Content-Security-Policy allows its own origin only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The licences of the libraries in the page ask for their notices beside it.
    license: { fileName: "licenses.md" },
  },
  // Codecs are parts of their own, which the decoder loads when a file needs them.
  worker: { format: "es", plugins: () => [gzippedFiles(), litertModule()] },
  // The API accepts changes from its own origin only, which this page has once it is built.
  server: { proxy: { "/api": { target: backend, changeOrigin: true, headers: { origin: backend } } } },
});
