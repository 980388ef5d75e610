/** The codecs have no types of their own. */

declare module "@cornerstonejs/codec-openjpeg/decodewasmjs" {
  const start: import("./wasm-codecs").Start;
  export default start;
}

declare module "@cornerstonejs/codec-charls/decodewasmjs" {
  const start: import("./wasm-codecs").Start;
  export default start;
}

declare module "@cornerstonejs/codec-openjpeg/decodewasm?url" {
  const address: string;
  export default address;
}

declare module "@cornerstonejs/codec-charls/decodewasm?url" {
  const address: string;
  export default address;
}
