/** Windows: which values of an image are black, which white, and what is between (DICOM PS3.3 C.11.2). */

export type WindowFunction = "LINEAR" | "LINEAR_EXACT" | "SIGMOID";

export interface Window {
  center: number;
  /** At least 1 for LINEAR, above 0 for the others. */
  width: number;
}

export interface NamedWindow extends Window {
  name: string;
}

/** The least and the largest value that a window can be about. */
export interface Range {
  low: number;
  high: number;
}

/** Grey values of pictures that have no modality: 0 is black, 255 white, nothing is changed between. */
export const BYTES: Range = { low: 0, high: 255 };
export const AS_SEEN: NamedWindow = { name: "As the model sees it", center: 127.5, width: 255 };
export const PICTURE_WINDOWS: readonly NamedWindow[] = [
  AS_SEEN,
  { name: "Dark parts", center: 64, width: 128 },
  { name: "Middle parts", center: 127.5, width: 128 },
  { name: "Bright parts", center: 191, width: 128 },
];

/** Of Hounsfield units, as CT is usually read. */
export const CT_WINDOWS: readonly NamedWindow[] = [
  { name: "Brain", center: 40, width: 80 },
  { name: "Subdural", center: 75, width: 215 },
  { name: "Soft tissue", center: 40, width: 400 },
  { name: "Lung", center: -600, width: 1500 },
  { name: "Bone", center: 480, width: 2500 },
];

/** Grey 0 to 255, not rounded, of a value in the units of the window. */
export function greyOf(value: number, { center, width }: Window, shape: WindowFunction = "LINEAR_EXACT"): number {
  if (shape === "SIGMOID") return 255 / (1 + Math.exp((-4 * (value - center)) / width));
  const exact = shape === "LINEAR_EXACT";
  const half = exact ? width / 2 : (width - 1) / 2;
  const middle = exact ? center : center - 0.5;
  if (value <= middle - half) return 0;
  if (value > middle + half) return 255;
  return ((value - middle) / (2 * half) + 0.5) * 255;
}

/** Grey levels of the whole values `low` to `high`, one byte each. */
export function lookupTable({ low, high }: Range, window: Window, shape: WindowFunction, inverted: boolean): Uint8ClampedArray {
  // A clamped array rounds halves to even.
  const table = new Uint8ClampedArray(high - low + 1);
  for (let index = 0; index < table.length; index++) {
    const grey = greyOf(low + index, window, shape);
    table[index] = inverted ? 255 - grey : grey;
  }
  return table;
}
