/** A network's output over the original picture: as ml/inference/activation.py and overlay.py. */

import type { Size } from "../imaging/geometry";
import { round, type Box } from "./pillow";
import type { Preprocessed } from "./preprocessing";

const MAP_SIDE = 64;
const STRONGEST_ALPHA = 0.72;
/** From yellow through orange to red. */
const [WEAK, MIDDLE, STRONG] = [
  [255, 226, 120],
  [247, 147, 30],
  [190, 18, 40],
] as const;

/** Row by row from the top. */
export interface Grid extends Size {
  values: Float32Array;
}

/** RGBA of the evidence for the class with the index `top`, in the proportions of the original, which is `size` large. */
export function activationOverlay(maps: Grid, classes: number, top: number, seen: Preprocessed, size: Size): ImageData {
  const heat = placed(strongest(maps, classes, top), seen, size, MAP_SIDE);
  const overlay = new ImageData(heat.width, heat.height);
  heat.values.forEach((value, cell) => {
    overlay.data.set([...colour(value), round(255 * STRONGEST_ALPHA * value)], 4 * cell);
  });
  return overlay;
}

/** The positive evidence for one class, of which the strongest is 1. */
function strongest({ width, height, values }: Grid, classes: number, top: number): Grid {
  const evidence = Float32Array.from({ length: width * height }, (_, cell) => Math.max(values[cell * classes + top] ?? 0, 0));
  const most = Math.max(evidence.reduce((high, value) => Math.max(high, value), 0), 1e-6);
  return { width, height, values: evidence.map((value) => value / most) };
}

function colour(value: number): number[] {
  const [from, to, part] = value < 0.5 ? [WEAK, MIDDLE, value * 2] : [MIDDLE, STRONG, value * 2 - 1];
  return from.map((low, channel) => round(low + part * ((to[channel] ?? low) - low)));
}

/** Values over `seen.square`, interpolated over an original of `size`; zero outside `seen.crop`. */
export function placed(grid: Grid, { square, crop }: Pick<Preprocessed, "square" | "crop">, size: Size, longest: number): Grid {
  const step = Math.max(size.width, size.height) / longest;
  const [width, height] = [Math.max(1, round(size.width / step)), Math.max(1, round(size.height / step))];
  const cell = (square.right - square.left) / grid.width;
  const values = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    const inY = (y + 0.5) * (size.height / height / cell) - square.top / cell;
    for (let x = 0; x < width; x++) {
      const inX = (x + 0.5) * (size.width / width / cell) - square.left / cell;
      const inside = isInside(crop, ((x + 0.5) * size.width) / width, ((y + 0.5) * size.height) / height);
      values[y * width + x] = inside ? Math.min(Math.max(interpolated(grid, inX, inY), 0), 1) : 0;
    }
  }
  return { width, height, values };
}

const isInside = ({ left, top, right, bottom }: Box, x: number, y: number): boolean => x >= left && x < right && y >= top && y < bottom;

/** Between the middles of the cells; one cell beyond the grid its edge goes on, further out there is nothing. */
function interpolated({ width, height, values }: Grid, x: number, y: number): number {
  if (x < -1 || y < -1 || x >= width + 1 || y >= height + 1) return 0;
  const [left, top] = [Math.floor(x - 0.5), Math.floor(y - 0.5)];
  const [right, down] = [x - 0.5 - left, y - 0.5 - top];
  const at = (column: number, row: number) => values[Math.min(Math.max(row, 0), height - 1) * width + Math.min(Math.max(column, 0), width - 1)] ?? 0;
  const upper = at(left, top) * (1 - right) + at(left + 1, top) * right;
  const lower = at(left, top + 1) * (1 - right) + at(left + 1, top + 1) * right;
  return upper * (1 - down) + lower * down;
}
