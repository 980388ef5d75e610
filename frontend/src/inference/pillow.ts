/**
 * Images as Pillow reduces and resizes them, bit by bit, which the models learned from. Source: Pillow 13,
 * src/libImaging/Reduce.c, Resample.c and Geometry.c.
 */

import { clamp } from "../imaging/geometry";

/** Eight bits a channel; the channels of a pixel after each other, row by row from the top. */
export interface Picture {
  width: number;
  height: number;
  channels: 1 | 3;
  data: Uint8Array<ArrayBuffer>;
}

/** In pixels; right and bottom exclusive. */
export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

interface Filter {
  support: number;
  weight: (distance: number) => number;
}

export const BILINEAR: Filter = { support: 1, weight: (distance) => Math.max(1 - Math.abs(distance), 0) };

/** Keys (1981) with a = -0.5. */
export const BICUBIC: Filter = {
  support: 2,
  weight: (distance) => {
    const [a, x] = [-0.5, Math.abs(distance)];
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
  },
};

/** Of the weights, as whole numbers. */
const PRECISION_BITS = 22;
const MEAN_BITS = 24;

export const wholeBox = ({ width, height }: Pick<Picture, "width" | "height">): Box => ({ left: 0, top: 0, right: width, bottom: height });

/** ITU-R BT.601 luma. */
export function grey(picture: Picture): Picture {
  if (picture.channels === 1) return picture;
  const { width, height, data } = picture;
  const out = new Uint8Array(width * height);
  for (let at = 0, from = 0; at < out.length; at++, from += 3) {
    out[at] = ((data[from] ?? 0) * 19595 + (data[from + 1] ?? 0) * 38470 + (data[from + 2] ?? 0) * 7471 + 0x8000) >> 16;
  }
  return { width, height, channels: 1, data: out };
}

/** The means of blocks of `across` by `down` pixels; those at the right and lower edge may be smaller. */
export function reduce(picture: Picture, across: number, down: number): Picture {
  if (across === 1 && down === 1) return picture;
  const { channels, data } = picture;
  const [width, height] = [Math.ceil(picture.width / across), Math.ceil(picture.height / down)];
  const out = new Uint8Array(width * height * channels);
  for (let y = 0, at = 0; y < height; y++) {
    const [top, bottom] = [y * down, Math.min((y + 1) * down, picture.height)];
    for (let x = 0; x < width; x++) {
      const [left, right] = [x * across, Math.min((x + 1) * across, picture.width)];
      const pixels = (right - left) * (bottom - top);
      // A factor of 32-bit floating point takes the place of the division.
      const factor = Math.floor(Math.fround(2 ** MEAN_BITS / pixels));
      for (let channel = 0; channel < channels; channel++, at++) {
        let sum = pixels >> 1;
        for (let row = top; row < bottom; row++) {
          const start = row * picture.width;
          for (let column = left; column < right; column++) sum += data[(start + column) * channels + channel] ?? 0;
        }
        out[at] = (sum * factor) / 2 ** MEAN_BITS;
      }
    }
  }
  return { width, height, channels, data: out };
}

/** The part of the picture in `box` at another size. */
export function resize(picture: Picture, width: number, height: number, filter: Filter, box = wholeBox(picture)): Picture {
  const across = (from: Picture): Picture => {
    const data = resampled(from, { lines: from.height, stride: from.width, step: 1, size: width }, from.width, [box.left, box.right], filter);
    return data ? { ...from, width, data } : from;
  };
  const down = (from: Picture): Picture => {
    const data = resampled(from, { lines: from.width, stride: 1, step: from.width, size: height }, from.height, [box.top, box.bottom], filter);
    return data ? { ...from, height, data } : from;
  };
  // Each pass rounds to eight bits, so that their order matters.
  const less = { width: picture.width - width, height: picture.height - height };
  return less.height > 0 && less.height > 2 * less.width ? across(down(picture)) : down(across(picture));
}

/** The pixels of a line are `step` apart, the lines `stride`; `size` pixels become of each. */
interface Lines {
  lines: number;
  stride: number;
  step: number;
  size: number;
}

/** Null where nothing changes. */
function resampled(
  { channels, data }: Picture,
  { lines, stride, step, size }: Lines,
  length: number,
  [start, end]: [number, number],
  filter: Filter,
): Uint8Array<ArrayBuffer> | null {
  if (start === 0 && end === size && length === size) return null;
  const weights = Array.from({ length: size }, (_, place) => weightsAt(place, size, length, start, end, filter));
  const out = new Uint8Array(lines * size * channels);
  const outStride = step === 1 ? size : 1;
  for (let line = 0; line < lines; line++) {
    for (const [place, { first, factors }] of weights.entries()) {
      const to = (line * outStride + place * step) * channels;
      for (let channel = 0; channel < channels; channel++) {
        let sum = 1 << (PRECISION_BITS - 1);
        let from = (line * stride + first * step) * channels + channel;
        for (const factor of factors) {
          sum += (data[from] ?? 0) * factor;
          from += step * channels;
        }
        out[to + channel] = clamp(sum >> PRECISION_BITS, 0, 255);
      }
    }
  }
  return out;
}

function weightsAt(place: number, size: number, length: number, start: number, end: number, { support, weight }: Filter): { first: number; factors: Int32Array } {
  // Pillow takes the box as 32-bit floating point.
  const [from, to] = [Math.fround(start), Math.fround(end)];
  const scale = Math.fround(to - from) / size;
  const stretch = Math.max(scale, 1);
  const center = from + (place + 0.5) * scale;
  const first = Math.max(Math.trunc(center - support * stretch + 0.5), 0);
  const last = Math.min(Math.trunc(center + support * stretch + 0.5), length);
  const inverse = 1 / stretch;
  const found = Array.from({ length: last - first }, (_, index) => weight((index + first - center + 0.5) * inverse));
  const sum = found.reduce((total, each) => total + each, 0);
  return { first, factors: Int32Array.from(found, (each) => wholeWeight(sum === 0 ? each : each / sum)) };
}

const wholeWeight = (weight: number): number => Math.trunc((weight < 0 ? -0.5 : 0.5) + weight * 2 ** PRECISION_BITS);

/** Half to even, as Python rounds. */
export function round(value: number): number {
  const low = Math.floor(value);
  const rest = value - low;
  return rest > 0.5 || (rest === 0.5 && low % 2 !== 0) ? low + 1 : low;
}
