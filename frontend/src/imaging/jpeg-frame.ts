/** What the parts of the JPEG decoder share. */

import type { BitReader, HuffmanTable } from "./bits";

export interface Component {
  id: number;
  /** Horizontal and vertical sampling factor, 1 to 4. */
  h: number;
  v: number;
  quantization: number;
}

export interface Frame {
  kind: "sequential" | "lossless";
  precision: number;
  width: number;
  height: number;
  components: Component[];
}

export interface Tables {
  quantization: Map<number, Uint16Array>;
  dc: Map<number, HuffmanTable>;
  ac: Map<number, HuffmanTable>;
  restartInterval: number;
}

/** Parameters of a scan: its components by index in the frame, with their tables. */
export interface Scan {
  components: { index: number; dc: number; ac: number }[];
  /** Of lossless: the predictor; of sequential: 0. */
  start: number;
  /** Point transform of lossless. */
  shift: number;
}

export interface Planes {
  /** Decode one scan; the reader is behind it then. */
  scan(reader: BitReader, scan: Scan, tables: Tables): void;
  /** All components of a pixel after each other, row by row. */
  values(): Uint16Array<ArrayBuffer>;
}
