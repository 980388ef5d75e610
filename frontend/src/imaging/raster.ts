/** Values of an image, and how they become what a screen shows. */

import type { Spacing } from "./geometry";
import { AS_SEEN, BYTES, greyOf, lookupTable, PICTURE_WINDOWS, type NamedWindow, type Range, type Window, type WindowFunction } from "./windows";

/** More entries in a table of grey levels than this are not worth it: values are computed one by one. */
const LARGEST_TABLE = 1 << 17;

export interface Raster {
  width: number;
  height: number;
  /** Grey: one value a pixel, in the modality's units. Colour: RGBA, four bytes a pixel. Row by row from the top. */
  values: Uint8ClampedArray | Uint8Array | Uint16Array | Int16Array | Int32Array | Float32Array;
  colour: boolean;
  /** Of the values. */
  range: Range;
  /** The first is how the models see the image. */
  windows: readonly [NamedWindow, ...NamedWindow[]];
  shape: WindowFunction;
  /** Whether the least value is white (MONOCHROME1). */
  inverse: boolean;
  spacing: Spacing | null;
  /** Of the values, for instance HU; empty where they have none. */
  unit: string;
}

/** A picture of 8 bits a channel, as browsers decode it. */
export function pictureRaster({ width, height, data }: ImageData): Raster {
  const [, ...others] = PICTURE_WINDOWS;
  return {
    width,
    height,
    values: data,
    colour: true,
    range: BYTES,
    windows: [AS_SEEN, ...others],
    shape: "LINEAR_EXACT",
    inverse: false,
    spacing: null,
    unit: "",
  };
}

/** RGBA of every pixel, written to `target`, which has four bytes for each. */
export function render(raster: Raster, window: Window, inverted: boolean, target: Uint8ClampedArray): void {
  const { values, colour, range, shape } = raster;
  const turned = inverted !== raster.inverse;
  const whole = !(values instanceof Float32Array) && range.high - range.low < LARGEST_TABLE;
  const table = whole ? lookupTable(range, window, shape, turned) : null;
  const { low } = range;
  if (colour) {
    const levels = table ?? lookupTable(BYTES, window, shape, turned);
    for (let at = 0; at < target.length; at += 4) {
      target[at] = levels[values[at] ?? 0] ?? 0;
      target[at + 1] = levels[values[at + 1] ?? 0] ?? 0;
      target[at + 2] = levels[values[at + 2] ?? 0] ?? 0;
      target[at + 3] = values[at + 3] ?? 255;
    }
    return;
  }
  const pixels = new Uint32Array(target.buffer, target.byteOffset, target.length / 4);
  for (let at = 0; at < pixels.length; at++) {
    const value = values[at] ?? 0;
    const exact = table ? (table[value - low] ?? 0) : greyOf(value, window, shape);
    const grey = table ? exact : Math.round(turned ? 255 - exact : exact);
    // Red, green, blue and opacity are the same whichever end of a word comes first, but for the opacity: little-endian.
    pixels[at] = 0xff000000 | (grey * 0x010101);
  }
}
