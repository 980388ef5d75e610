/** Correcting an outline: points are moved, inserted and removed, new parts are drawn; as a pure state machine. */

import { clamp, type Point, type Size } from "../imaging/geometry";

export type Contour = [x: number, y: number][];

/** Limits of a review's statement (backend/services/statements.py). */
export const MAX_POINTS = 400;
const MAX_CONTOURS = 16;
const FEWEST_POINTS = 3;
const MAX_UNDO = 50;

/** A point of the outline. */
export interface Place {
  contour: number;
  point: number;
}

export interface OutlineEdit {
  contours: Contour[];
  /** What the keyboard moves, and what a drag took. */
  selected: Place | null;
  /** Newest last. */
  former: Contour[][];
}

/** Places are in pixels of the image; `reach` is how near a point must be to be meant. */
export type OutlineEvent =
  | { type: "taken"; at: Point; reach: number }
  | { type: "moved-to"; at: Point }
  | { type: "moved-by"; by: Point }
  | { type: "drawn"; path: readonly Point[] }
  | { type: "selected-next"; step: 1 | -1 }
  | { type: "inserted" }
  | { type: "removed" }
  | { type: "cleared" }
  | { type: "undone" };

/** With at most as many points as a statement may have. */
export function startEdit(contours: readonly (readonly (readonly [number, number])[])[]): OutlineEdit {
  return { contours: simplified(contours.map((points) => points.map(([x, y]) => [x, y] as [number, number]))), selected: null, former: [] };
}

export function reduceOutline(edit: OutlineEdit, event: OutlineEvent, image: Size): OutlineEdit {
  switch (event.type) {
    case "taken":
      return taken(edit, event.at, event.reach);
    case "moved-to":
      return edit.selected ? moved(edit, edit.selected, event.at, image) : edit;
    case "moved-by": {
      const { selected } = edit;
      const [x, y] = (selected && edit.contours[selected.contour]?.[selected.point]) ?? [];
      if (!selected || x === undefined || y === undefined) return edit;
      return moved(remembered(edit), selected, { x: x + event.by.x, y: y + event.by.y }, image);
    }
    case "drawn": {
      const drawn = simplified([event.path.map(({ x, y }) => rounded({ x, y }, image))])[0];
      if (!drawn || edit.contours.length >= MAX_CONTOURS) return edit;
      return { ...remembered(edit), contours: simplified([...edit.contours, drawn]), selected: null };
    }
    case "selected-next":
      return { ...edit, selected: neighbour(edit, event.step) };
    case "inserted":
      return edit.selected ? inserted(remembered(edit), edit.selected, null) : edit;
    case "removed":
      return edit.selected ? removed(remembered(edit), edit.selected) : edit;
    case "cleared":
      return { ...remembered(edit), contours: [], selected: null };
    case "undone": {
      const contours = edit.former.at(-1);
      return contours ? { contours, selected: null, former: edit.former.slice(0, -1) } : edit;
    }
  }
}

const remembered = (edit: OutlineEdit): OutlineEdit => ({ ...edit, former: [...edit.former, edit.contours].slice(-MAX_UNDO) });

/** The point that is near, else a new one where an edge is near, else none. */
function taken(edit: OutlineEdit, at: Point, reach: number): OutlineEdit {
  const points = places(edit).map((place) => ({ place, distance: distanceTo(edit, place, at) }));
  const nearest = points.reduce((best, other) => (other.distance < best.distance ? other : best), { place: null as Place | null, distance: Infinity });
  if (nearest.distance <= reach) return { ...remembered(edit), selected: nearest.place };
  for (const place of places(edit)) {
    const [from, to] = edge(edit, place);
    if (from && to && distanceToEdge(at, from, to) <= reach) return inserted(remembered(edit), place, at);
  }
  return { ...edit, selected: null };
}

function places({ contours }: OutlineEdit): Place[] {
  return contours.flatMap((points, contour) => points.map((_, point) => ({ contour, point })));
}

function edge({ contours }: OutlineEdit, { contour, point }: Place): (readonly [number, number] | undefined)[] {
  const points = contours[contour] ?? [];
  return [points[point], points[(point + 1) % points.length]];
}

function distanceTo({ contours }: OutlineEdit, { contour, point }: Place, { x, y }: Point): number {
  const [px = Infinity, py = Infinity] = contours[contour]?.[point] ?? [];
  return Math.hypot(px - x, py - y);
}

function distanceToEdge({ x, y }: Point, [x1, y1]: readonly [number, number], [x2, y2]: readonly [number, number]): number {
  const length = (x2 - x1) ** 2 + (y2 - y1) ** 2;
  const along = length === 0 ? 0 : clamp(((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length, 0, 1);
  return Math.hypot(x1 + along * (x2 - x1) - x, y1 + along * (y2 - y1) - y);
}

/** Tenths of a pixel, inside of the image. */
function rounded({ x, y }: Point, { width, height }: Size): [number, number] {
  return [Math.round(clamp(x, 0, width) * 10) / 10, Math.round(clamp(y, 0, height) * 10) / 10];
}

function moved(edit: OutlineEdit, { contour, point }: Place, to: Point, image: Size): OutlineEdit {
  const place = rounded(to, image);
  const contours = edit.contours.map((points, index) => (index === contour ? points.with(point, place) : points));
  return { ...edit, contours };
}

/** After a point, at `at` or in the middle of the edge. */
function inserted(edit: OutlineEdit, place: Place, at: Point | null): OutlineEdit {
  const [from, to] = edge(edit, place);
  if (!from || !to || places(edit).length >= MAX_POINTS) return edit;
  const middle: [number, number] = [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2].map((value) => Math.round(value * 10) / 10) as [number, number];
  const added: [number, number] = at ? [Math.round(at.x * 10) / 10, Math.round(at.y * 10) / 10] : middle;
  const selected = { contour: place.contour, point: place.point + 1 };
  const contours = edit.contours.map((points, index) => (index === place.contour ? points.toSpliced(selected.point, 0, added) : points));
  return { ...edit, contours, selected };
}

/** A part with fewer than three points goes whole. */
function removed(edit: OutlineEdit, { contour, point }: Place): OutlineEdit {
  const contours = edit.contours.map((points, index) => (index === contour ? points.toSpliced(point, 1) : points));
  const left = contours.filter((points) => points.length >= FEWEST_POINTS);
  const kept = left.length === contours.length;
  return { ...edit, contours: left, selected: kept ? { contour, point: point % (contours[contour]?.length ?? 1) } : null };
}

function neighbour(edit: OutlineEdit, step: 1 | -1): Place | null {
  const all = places(edit);
  const { selected } = edit;
  const now = selected ? all.findIndex(({ contour, point }) => contour === selected.contour && point === selected.point) : step > 0 ? -1 : 0;
  return all[(now + step + all.length) % Math.max(all.length, 1)] ?? null;
}

/** Points that lie on the line between others go first, until there are few enough (Visvalingam and Whyatt, 1993). */
function simplified(contours: Contour[]): Contour[] {
  let tolerance = 0.25;
  for (;;) {
    const limit = tolerance;
    const found = contours.map((points) => withoutFlat(points, limit)).filter((points) => points.length >= FEWEST_POINTS).slice(0, MAX_CONTOURS);
    if (found.reduce((sum, points) => sum + points.length, 0) <= MAX_POINTS) return found;
    tolerance *= 2;
  }
}

function withoutFlat(points: Contour, tolerance: number): Contour {
  const kept = [...points];
  for (let changed = true; changed && kept.length > FEWEST_POINTS; ) {
    changed = false;
    for (let at = 0; at < kept.length && kept.length > FEWEST_POINTS; at++) {
      const [before, here, after] = [kept.at(at - 1), kept[at], kept[(at + 1) % kept.length]];
      if (before && here && after && triangle(before, here, after) < tolerance) {
        kept.splice(at, 1);
        // Its neighbour stays in this round, else a whole curve would go at once.
        changed = true;
      }
    }
  }
  return kept;
}

const triangle = ([x1, y1]: [number, number], [x2, y2]: [number, number], [x3, y3]: [number, number]): number =>
  Math.abs((x2 - x1) * (y3 - y1) - (x3 - x1) * (y2 - y1)) / 2;
