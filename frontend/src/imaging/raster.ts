/** Values of an image, and how they become what a screen shows. */

import type { Spacing } from "./geometry";
import { BYTES, brightness, look, PICTURE_WINDOWS, type Range, type Table, type Window, type Windows } from "./windows";

/** Stored values to the modality's units (PS3.3, C.11.1). */
export type Modality = { slope: number; intercept: number } | Table;

/** Can be passed between threads. */
export interface Raster {
  width: number;
  height: number;
  /** Grey: one stored value a pixel. Colour: RGBA, four bytes a pixel. Row by row from the top. */
  values: Uint8ClampedArray<ArrayBuffer> | Uint16Array<ArrayBuffer> | Int16Array<ArrayBuffer>;
  colour: boolean;
  /** Of the stored values. */
  stored: Range;
  modality: Modality;
  windows: Windows;
  /** Whether the least value is white (MONOCHROME1). */
  inverse: boolean;
  spacing: Spacing | null;
}

/** Of a picture or a frame. */
export const MAX_PIXELS = 40_000_000;

export const IDENTITY: Modality = { slope: 1, intercept: 0 };

/** A picture of 8 bits a channel, as browsers decode it. */
export function pictureRaster({ width, height, data }: Pick<ImageData, "width" | "height"> & { data: Uint8ClampedArray<ArrayBuffer> }): Raster {
  const plain = { colour: true, stored: BYTES, modality: IDENTITY, windows: PICTURE_WINDOWS, inverse: false, spacing: null };
  return { width, height, values: data, ...plain };
}

/** The least and the largest of some values. */
export function rangeOf(values: Raster["values"] | Uint8Array | Float64Array): Range {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high };
}

/** A stored value in the modality's units. */
export const inUnits = (modality: Modality, value: number): number =>
  "entries" in modality ? look(modality, value) : value * modality.slope + modality.intercept;

/** The range of the values in the modality's units. */
export function unitRange({ modality, stored }: Pick<Raster, "modality" | "stored">): Range {
  const ends = [inUnits(modality, stored.low), inUnits(modality, stored.high)];
  return { low: Math.min(...ends), high: Math.max(...ends) };
}

/** Grey levels of the stored values from the least on. In floating point until the last step, halves to even. */
export function levels({ modality, stored, inverse }: Raster, window: Window, inverted: boolean): Uint8ClampedArray {
  const table = new Uint8ClampedArray(stored.high - stored.low + 1);
  for (let index = 0; index < table.length; index++) {
    const bright = brightness(inUnits(modality, stored.low + index), window);
    table[index] = (inverse === inverted ? bright : 1 - bright) * 255;
  }
  return table;
}

/** RGBA of every pixel, written to `target`, which has four bytes for each. */
export function render(raster: Raster, window: Window, inverted: boolean, target: Uint8ClampedArray): void {
  const { values, colour, stored } = raster;
  const grey = levels(raster, window, inverted);
  if (colour) {
    for (let at = 0; at < target.length; at += 4) {
      target[at] = grey[values[at] ?? 0] ?? 0;
      target[at + 1] = grey[values[at + 1] ?? 0] ?? 0;
      target[at + 2] = grey[values[at + 2] ?? 0] ?? 0;
      target[at + 3] = values[at + 3] ?? 255;
    }
    return;
  }
  const colours = Uint32Array.from(grey, (level) => 0xff000000 | (level * 0x010101));
  const pixels = new Uint32Array(target.buffer, target.byteOffset, target.length / 4);
  const { low } = stored;
  for (let at = 0; at < pixels.length; at++) pixels[at] = colours[(values[at] ?? 0) - low] ?? 0;
}
