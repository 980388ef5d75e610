/** The values between which a picture lies, without outliers: as `robust_range` of ml/preprocessing/windows.py. */

import { clamp } from "./geometry";
import type { Range } from "./windows";

const PERCENTILES = [0.5, 99.5] as const;
const CORE_PERCENTILES = [10, 90] as const;
const MARK_WIDTH = 5;
const MARK_LEVELS = 4;
const FRAMES = 4;
const SPIKE = 10;
const FEWEST_LEVELS = 16;
const FEW_PIXELS = (100 - PERCENTILES[1]) / 100;

interface Values {
  width: number;
  height: number;
  at: (x: number, y: number) => number;
}

/** How often the ascending `levels` occur. */
interface Histogram {
  levels: number[];
  counts: number[];
}

/** `padding`: values that are no part of the picture, both ends included. */
export function robustRange(
  image: { values: ArrayLike<number>; width: number; height: number },
  stored: Range,
  padding: Range | null,
): Range {
  const values = withoutFrame(image);
  let histogram = histogramOf(values, stored);
  if (padding) {
    const inside = cut(histogram, (level) => level < padding.low || level > padding.high);
    if (inside.levels.length > 0) histogram = inside;
  }
  const few = FEW_PIXELS * sum(histogram.counts);
  for (let round = 0; round < MARK_LEVELS; round++) {
    const [above, below] = [upperMarks(histogram, few), upperMarks(mirrored(histogram), few)];
    const kept = [below, histogram.levels.length - above] as const;
    histogram = { levels: histogram.levels.slice(...kept), counts: histogram.counts.slice(...kept) };
  }
  const core = percentiles(histogram, CORE_PERCENTILES);
  const spread = core.high - core.low;
  if (histogram.levels.length >= FEWEST_LEVELS && spread > 0) {
    for (const outside of [(level: number) => level > core.high + spread, (level: number) => level < core.low - spread]) {
      if (sum(cut(histogram, outside).counts) > few) histogram = withoutThin(histogram, values, stored, outside);
    }
  }
  const { low, high } = percentiles(histogram, PERCENTILES);
  return low < high ? { low, high } : { low: histogram.levels[0] ?? 0, high: histogram.levels.at(-1) ?? 0 };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

const count = (counts: Uint32Array, index: number): void => void (counts[index] = (counts[index] ?? 0) + 1);

function cut({ levels, counts }: Histogram, keep: (level: number) => boolean): Histogram {
  const kept = levels.map((level, index) => [level, counts[index] ?? 0] as const).filter(([level]) => keep(level));
  return { levels: kept.map(([level]) => level), counts: kept.map(([, count]) => count) };
}

/** Without rows and columns at the edges that are all of one value, several times. */
function withoutFrame({ values, width, height }: { values: ArrayLike<number>; width: number; height: number }): Values {
  let inner: Values = { width, height, at: (x, y) => values[y * width + x] ?? 0 };
  for (let round = 0; round < FRAMES; round++) inner = withoutOneFrame(inner);
  return inner;
}

function withoutOneFrame(outer: Values): Values {
  const { width, height, at } = outer;
  const frame = at(0, 0);
  let [left, right, top, bottom] = [width, -1, height, -1];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (at(x, y) === frame) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = y;
    }
  }
  if (right < 0) return outer;
  return { width: right - left + 1, height: bottom - top + 1, at: (x, y) => at(left + x, top + y) };
}

function histogramOf({ width, height, at }: Values, { low, high }: Range): Histogram {
  const all = new Uint32Array(high - low + 1);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) count(all, at(x, y) - low);
  const levels = [...all.keys()].filter((index) => (all[index] ?? 0) > 0);
  return { levels: levels.map((index) => index + low), counts: levels.map((index) => all[index] ?? 0) };
}

const mirrored = ({ levels, counts }: Histogram): Histogram => ({ levels: levels.map((level) => -level).reverse(), counts: counts.toReversed() });

/** How many of the greatest levels are no picture, but a border, a mask or text of one value. */
function upperMarks({ levels, counts }: Histogram, few: number): number {
  const at = (index: number) => levels.at(index) ?? 0;
  const most = Math.min(MARK_LEVELS, levels.length - FEWEST_LEVELS);
  for (let marks = 1; marks <= most; marks++) {
    const edge = at(-marks - 1);
    if (at(-marks) - edge > edge - at(0)) return marks;
  }
  const [last, next] = [counts.at(-1) ?? 0, counts.at(-2) ?? 0];
  return most > 0 && last > few && last > SPIKE * next ? 1 : 0;
}

/** The least levels that at least that share of the pixels does not exceed. */
function percentiles({ levels, counts }: Histogram, [lower, upper]: readonly [number, number]): Range {
  const total = sum(counts);
  const level = (share: number): number => {
    let reached = 0;
    const index = counts.findIndex((count) => (reached += count) >= (share / 100) * total);
    return levels[index < 0 ? levels.length - 1 : index] ?? 0;
  };
  return { low: level(lower), high: level(upper) };
}

/** Without the pixels that an opening by a square of MARK_WIDTH removes from those that are outside. */
function withoutThin({ levels, counts }: Histogram, values: Values, { low, high }: Range, outside: (level: number) => boolean): Histogram {
  const { width, height, at } = values;
  const mask = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) mask[y * width + x] = outside(at(x, y)) ? 1 : 0;
  const opened = slide(slide(slide(slide(mask, width, height, 1, true), width, height, width, true), width, height, 1, false), width, height, width, false);
  const thin = new Uint32Array(high - low + 1);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) if (mask[y * width + x] === 1 && opened[y * width + x] === 0) count(thin, at(x, y) - low);
  }
  return { levels, counts: counts.map((count, index) => count - (thin[(levels[index] ?? low) - low] ?? 0)) };
}

/** Erosion (`all`) or dilation along rows (`step` 1) or columns. What lies beyond the picture goes on as its border does. */
function slide(mask: Uint8Array, width: number, height: number, step: number, all: boolean): Uint8Array {
  const [lines, length, across] = step === 1 ? [height, width, width] : [width, height, 1];
  const half = MARK_WIDTH >> 1;
  const out = new Uint8Array(mask.length);
  for (let line = 0; line < lines; line++) {
    for (let place = 0; place < length; place++) {
      let set = 0;
      for (let offset = -half; offset <= half; offset++) {
        const other = clamp(place + offset, 0, length - 1);
        set += mask[line * across + other * step] ?? 0;
      }
      out[line * across + place * step] = (all ? set === MARK_WIDTH : set > 0) ? 1 : 0;
    }
  }
  return out;
}
