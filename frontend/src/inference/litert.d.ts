/** The scripts of LiteRT's WebAssembly have no types; `?gzip` is the build's, see vite.config.ts. */

declare module "@litertjs/core/wasm/litert_wasm_compat_internal.js" {
  const factory: (options: object) => Promise<object>;
  export default factory;
}

declare module "@litertjs/core/wasm/litert_wasm_compat_internal.wasm?gzip" {
  const address: string;
  export default address;
}
