import { describe, expect, it } from "vitest";
import { distance, enclosedArea, fitScale, roundLength } from "../../../frontend/src/imaging/geometry";

const square = (from: number, to: number): [number, number][] => [[from, from], [to, from], [to, to], [from, to]];

describe("geometry", () => {
  it("fits an image into a stage by its longer side", () => {
    expect(fitScale({ width: 300, height: 200 }, { width: 100, height: 400 })).toBe(0.5);
  });

  it("measures in mm with a spacing, which may differ by direction, else in pixels", () => {
    expect(distance({ x: 1, y: 1 }, { x: 4, y: 5 }, null)).toBe(5);
    expect(distance({ x: 0, y: 0 }, { x: 6, y: 4 }, { x: 0.5, y: 1 })).toBe(5);
  });

  it("computes areas, whichever way round, and without holes", () => {
    expect(enclosedArea([square(0, 10)], null)).toBe(100);
    expect(enclosedArea([square(0, 10).reverse()], { x: 0.5, y: 2 })).toBe(100);
    expect(enclosedArea([square(0, 10), square(2, 4), square(20, 21)], null)).toBe(97);
    expect(enclosedArea([], null)).toBe(0);
  });

  it.each([[7, 5], [49, 20], [1.9, 1], [0.3, 0.2], [0, 0], [Infinity, 0]])("the bar for at most %d mm has %d", (longest, length) => {
    expect(roundLength(longest)).toBeCloseTo(length);
  });
});
