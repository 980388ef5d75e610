/** The outline of a tumour from a segmentation's output: as ml/segmentation/segmenter.py. */

import type { Outline } from "../api/types";
import { clamp, type Size } from "../imaging/geometry";
import { placed, type Grid } from "./activation";
import { round } from "./pillow";
import type { Preprocessed } from "./preprocessing";

export type Contours = Outline["contours"];

/** `pixels` is the outlined area in pixels of the original. */
export interface DeviceOutline {
  contours: Contours;
  pixels: number;
}

const LONGEST_SIDE = 512;
/** Of a contour, in cells. */
const TOLERANCE = 0.25;

/** `[row, column]`, in cells. */
type Point = readonly [number, number];

/** The mean of the probabilities that the logits of a square image and of its mirror image give. */
export function meanProbabilities({ width, height, values }: Grid, other: Grid): Grid {
  const back = mirrored(other.values, width);
  return { width, height, values: values.map((value, at) => (sigmoid(value) + sigmoid(back[at] ?? 0)) / 2) };
}

/** Rows of `width` values, from right to left. */
export function mirrored(values: Float32Array, width: number): Float32Array<ArrayBuffer> {
  return Float32Array.from(values, (_, at) => values[at - 2 * (at % width) + width - 1] ?? 0);
}

/** Of several separate regions only the one with the most evidence is outlined. */
export function outlineOf(probabilities: Grid, threshold: number, seen: Pick<Preprocessed, "square" | "crop">, size: Size): DeviceOutline {
  const laid = placed(strongestRegion(probabilities, threshold), seen, size, Math.min(LONGEST_SIDE, Math.max(size.width, size.height)));
  const cells = laid.values.reduce((count, value) => count + (value >= threshold ? 1 : 0), 0);
  const [across, down] = [size.width / laid.width, size.height / laid.height];
  const contours = lines(laid, threshold)
    .map((line) => simplified(line).slice(0, -1))
    .filter((line) => line.length > 2)
    .map((line) =>
      line.map(([row, column]): [number, number] => [
        oneDecimal(clamp((column + 0.5) * across, 0, size.width)),
        oneDecimal(clamp((row + 0.5) * down, 0, size.height)),
      ]),
    );
  return { contours, pixels: round(cells * across * down) };
}

const sigmoid = (value: number): number => 1 / (1 + Math.exp(-value));
const oneDecimal = (value: number): number => Math.round(value * 10) / 10;

/** Every region of neighbours, diagonal ones too, is set to zero but the one with the largest sum of squares. */
export function strongestRegion({ width, height, values }: Grid, threshold: number): Grid {
  const region = new Int32Array(values.length);
  const evidence = [0];
  values.forEach((value, start) => {
    if (value < threshold || region[start] !== 0) return;
    const number = evidence.length;
    let sum = 0;
    const open = [start];
    region[start] = number;
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      sum += (values[at] ?? 0) ** 2;
      const [x, y] = [at % width, Math.floor(at / width)];
      for (let row = Math.max(y - 1, 0); row <= Math.min(y + 1, height - 1); row++) {
        for (let column = Math.max(x - 1, 0); column <= Math.min(x + 1, width - 1); column++) {
          const next = row * width + column;
          if ((values[next] ?? 0) < threshold || region[next] !== 0) continue;
          region[next] = number;
          open.push(next);
        }
      }
    }
    evidence.push(sum);
  });
  const strongest = evidence.indexOf(Math.max(...evidence));
  return { width, height, values: values.map((value, at) => (region[at] === 0 || region[at] === strongest ? value : 0)) };
}

/** The edges of a square of four cells that a line joins, by the corners above the level: 1, 2 above and 4, 8 below. */
const JOINED: Record<number, readonly (readonly [Edge, Edge])[]> = {
  1: [["top", "left"]],
  2: [["top", "right"]],
  3: [["left", "right"]],
  4: [["left", "bottom"]],
  5: [["top", "bottom"]],
  6: [["top", "right"], ["left", "bottom"]],
  7: [["right", "bottom"]],
  8: [["right", "bottom"]],
  9: [["top", "left"], ["right", "bottom"]],
  10: [["top", "bottom"]],
  11: [["left", "bottom"]],
  12: [["left", "right"]],
  13: [["top", "right"]],
  14: [["top", "left"]],
};
type Edge = "top" | "left" | "right" | "bottom";

/** Closed lines where the grid, which is zero further out, crosses `level`: marching squares (Lorensen & Cline 1987). */
function lines({ width, height, values }: Grid, level: number): Point[][] {
  const at = (row: number, column: number) => (row < 0 || column < 0 || row >= height || column >= width ? 0 : (values[row * width + column] ?? 0));
  const points = new Map<number, Point>();
  const joined = new Map<number, number[]>();
  /** The key of an edge, which two squares share, and the place where the line crosses it. */
  const cross = (row: number, column: number, edge: Edge): number => {
    const [top, left] = [row + (edge === "bottom" ? 1 : 0), column + (edge === "right" ? 1 : 0)];
    const upright = edge === "left" || edge === "right";
    const key = 2 * ((top + 1) * (width + 2) + left + 1) + (upright ? 1 : 0);
    const [from, to] = [at(top, left), upright ? at(top + 1, left) : at(top, left + 1)];
    const share = (level - from) / (to - from);
    points.set(key, upright ? [top + share, left] : [top, left + share]);
    return key;
  };
  for (let row = -1; row < height; row++) {
    for (let column = -1; column < width; column++) {
      const corners = [at(row, column), at(row, column + 1), at(row + 1, column), at(row + 1, column + 1)];
      const kind = corners.reduce((bits, value, corner) => bits | (value > level ? 1 << corner : 0), 0);
      for (const [one, other] of JOINED[kind] ?? []) {
        const [first, second] = [cross(row, column, one), cross(row, column, other)];
        joined.set(first, [...(joined.get(first) ?? []), second]);
        joined.set(second, [...(joined.get(second) ?? []), first]);
      }
    }
  }
  return closed(points, joined);
}

function closed(points: Map<number, Point>, joined: Map<number, number[]>): Point[][] {
  const found: Point[][] = [];
  const done = new Set<number>();
  for (const start of joined.keys()) {
    const line: Point[] = [];
    for (let next: number | undefined = start; next !== undefined; next = joined.get(next)?.find((key) => !done.has(key))) {
      done.add(next);
      line.push(points.get(next) ?? [0, 0]);
    }
    if (line.length > 1) found.push([...line, line[0] ?? [0, 0]]);
    for (const key of joined.get(start) ?? []) done.add(key);
  }
  return found;
}

/** The points that matter: no other is further than `TOLERANCE` from what they draw (Douglas & Peucker 1973). */
function simplified(line: Point[]): Point[] {
  const kept = new Set([0, line.length - 1]);
  const parts: [number, number][] = [[0, line.length - 1]];
  for (let part = parts.pop(); part; part = parts.pop()) {
    const [start, end] = part;
    let [farthest, most] = [start, TOLERANCE];
    for (let at = start + 1; at < end; at++) {
      const distance = distanceTo(line[at] ?? [0, 0], line[start] ?? [0, 0], line[end] ?? [0, 0]);
      if (distance > most) [farthest, most] = [at, distance];
    }
    if (farthest === start) continue;
    kept.add(farthest);
    parts.push([start, farthest], [farthest, end]);
  }
  return line.filter((_, at) => kept.has(at));
}

/** Of a point from the segment between two others. */
function distanceTo([row, column]: Point, [fromRow, fromColumn]: Point, [toRow, toColumn]: Point): number {
  const [down, across] = [toRow - fromRow, toColumn - fromColumn];
  const length = down * down + across * across;
  const share = length === 0 ? 0 : clamp(((row - fromRow) * down + (column - fromColumn) * across) / length, 0, 1);
  return Math.hypot(row - fromRow - share * down, column - fromColumn - share * across);
}
