/** What the page and its decoder say to each other. */

import type { Raster } from "./raster";

/** `key` is the same for all requests of a file. */
export interface DecoderRequest {
  id: number;
  key: number;
  file: Blob;
  frame: number;
}

export interface DecodedFrame {
  raster: Raster;
  /** Of the file. */
  frames: number;
}

export type DecoderReply = ({ id: number } & DecodedFrame) | { id: number; problem: string };
