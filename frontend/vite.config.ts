import { defineConfig, type Plugin } from "vite";

/** The theme is set by the script: without this, a dark page would flash in light first. Vite drops the attribute. */
const renderBlockingScript: Plugin = {
  name: "render-blocking-script",
  transformIndexHtml: {
    order: "post",
    handler: (html) => html.replace('<script type="module"', '<script type="module" blocking="render"'),
  },
};

const backend = "http://127.0.0.1:5000";

export default defineConfig({
  root: import.meta.dirname,
  plugins: [renderBlockingScript],
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
  worker: { format: "es" },
  // The API accepts changes from its own origin only, which this page has once it is built.
  server: { proxy: { "/api": { target: backend, changeOrigin: true, headers: { origin: backend } } } },
});
