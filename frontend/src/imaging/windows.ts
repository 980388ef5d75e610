/** Windows: which values of an image are black, which white, and what is between (DICOM PS3.3 C.11.2). */

import { clamp } from "./geometry";

export type WindowFunction = "LINEAR" | "LINEAR_EXACT" | "SIGMOID";

/** A look-up table: `entries` for the values from `first` on; the first and the last go on at both ends. */
export interface Table {
  first: number;
  entries: Float64Array;
}

/** In the modality's units, HU for CT. */
export interface Window {
  center: number;
  /** At least 1 for LINEAR, above 0 for the others; 0 is a step. */
  width: number;
  shape: WindowFunction;
  /** In place of a function: a VOI LUT, whose entries are brightness in [0, 1]. */
  table?: Table;
}

export interface NamedWindow extends Window {
  name: string;
}

/** The first is how the models see the image. */
export type Windows = readonly [NamedWindow, ...NamedWindow[]];

/** The least and the largest value. */
export interface Range {
  low: number;
  high: number;
}

/** Grey values of pictures that have no modality: 0 is black, 255 white, nothing is changed between. */
export const BYTES: Range = { low: 0, high: 255 };

const exact = (name: string, center: number, width: number): NamedWindow => ({ name, center, width, shape: "LINEAR_EXACT" });
const linear = (name: string, center: number, width: number): NamedWindow => ({ name, center, width, shape: "LINEAR" });

export const AS_SEEN = "As the model sees it";
export const PICTURE_WINDOWS: Windows = [
  exact(AS_SEEN, 127.5, 255),
  exact("Dark parts", 64, 128),
  exact("Middle parts", 127.5, 128),
  exact("Bright parts", 191, 128),
];

/** Of Hounsfield units, as CT is usually read. */
export const CT_WINDOWS: readonly NamedWindow[] = [
  linear("Brain", 40, 80),
  linear("Subdural", 75, 215),
  linear("Soft tissue", 40, 400),
  linear("Lung", -600, 1500),
  linear("Bone", 480, 2500),
];

/** The window that maps `low` to black and `high` to white. */
export const rangeWindow = (name: string, { low, high }: Range): NamedWindow => exact(name, (low + high) / 2, high - low);

export const isSameWindow = (one: Window, other: Window): boolean =>
  one.center === other.center && one.width === other.width && one.shape === other.shape && one.table === other.table;

/** Brightness in [0, 1] of a value in the units of the window. Source: PS3.3, C.11.2.1.2 and C.11.2.1.3. */
export function brightness(value: number, window: Window): number {
  if (window.table) return look(window.table, value);
  if (window.shape === "SIGMOID") return 1 / (1 + Math.exp(clamp((-4 * (value - window.center)) / window.width, -70, 70)));
  const shift = window.shape === "LINEAR" ? 1 : 0;
  const [center, width] = [window.center - shift / 2, window.width - shift];
  if (width === 0) return value > center ? 1 : 0;
  return clamp((value - center) / width + 0.5, 0, 1);
}

export function look({ first, entries }: Table, value: number): number {
  return entries[clamp(Math.round(value) - first, 0, entries.length - 1)] ?? 0;
}
