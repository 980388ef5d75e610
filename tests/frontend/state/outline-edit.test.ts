import { describe, expect, it } from "vitest";
import { MAX_POINTS, reduceOutline, startEdit, type OutlineEdit, type OutlineEvent } from "../../../frontend/src/state/outline-edit";

const IMAGE = { width: 100, height: 80 };
const SQUARE: [number, number][] = [[10, 10], [30, 10], [30, 30], [10, 30]];

const after = (...events: OutlineEvent[]): OutlineEdit => events.reduce((edit, event) => reduceOutline(edit, event, IMAGE), startEdit([SQUARE]));
const take = (x: number, y: number): OutlineEvent => ({ type: "taken", at: { x, y }, reach: 3 });

describe("correcting an outline", () => {
  it("moves the point that a drag takes, inside of the image, to tenths", () => {
    const edit = after(take(11, 9), { type: "moved-to", at: { x: -5, y: 12.345 } });
    expect(edit.contours).toEqual([[[0, 12.3], ...SQUARE.slice(1)]]);
  });

  it("makes a point of an edge", () => {
    const edit = after(take(20, 11), { type: "moved-to", at: { x: 20, y: 5 } });
    expect(edit.contours[0]).toEqual([[10, 10], [20, 5], [30, 10], [30, 30], [10, 30]]);
  });

  it("takes nothing far from both, and draws a new part there", () => {
    expect(after(take(60, 60)).selected).toBeNull();
    const path = [[60, 60], [70, 60], [70, 70]].map(([x = 0, y = 0]) => ({ x, y }));
    expect(after({ type: "drawn", path }).contours).toHaveLength(2);
    expect(after({ type: "drawn", path: path.slice(0, 2) }).contours).toHaveLength(1);
  });

  it("is done by keys: choose, move, insert, remove", () => {
    const next: OutlineEvent = { type: "selected-next", step: 1 };
    expect(after(next, next, { type: "moved-by", by: { x: 2, y: 0 } }).contours[0]?.[1]).toEqual([32, 10]);
    expect(after({ type: "selected-next", step: -1 }).selected).toEqual({ contour: 0, point: 3 });
    expect(after(next, { type: "inserted" }).contours[0]?.[1]).toEqual([20, 10]);
    expect(after(next, { type: "removed" }).contours).toEqual([SQUARE.slice(1)]);
    expect(after(next, { type: "removed" }, { type: "removed" }).contours).toEqual([]);
  });

  it("undoes each step", () => {
    const removed: OutlineEvent[] = [{ type: "selected-next", step: 1 }, { type: "removed" }, { type: "cleared" }];
    expect(after(...removed).contours).toEqual([]);
    expect(after(...removed, { type: "undone" }).contours).toEqual([SQUARE.slice(1)]);
    expect(after(...removed, { type: "undone" }, { type: "undone" }, { type: "undone" }).contours).toEqual([SQUARE]);
  });

  it("begins with as many points as a statement may have, at most", () => {
    const circle = Array.from({ length: 5000 }, (_, at): [number, number] => [50 + 30 * Math.cos(at / 800), 40 + 30 * Math.sin(at / 800)]);
    const points = startEdit([circle]).contours[0] ?? [];
    expect(points.length).toBeLessThanOrEqual(MAX_POINTS);
    expect(points.length).toBeGreaterThan(15);
  });
});
