import { describe, expect, it } from "vitest";
import { meanProbabilities, mirrored, outlineOf, strongestRegion, type Contours } from "../../../frontend/src/inference/outline";
import { procedureOf } from "../../../frontend/src/inference/preprocessing";
import { vectors } from "./vectors";

const heads = vectors.filter(({ name }) => name.includes("head"));

describe("where brightness, taken for probability, is outlined", () => {
  it("in some", () => expect(heads.length).toBeGreaterThan(2));

  it.each(heads)("the outline is Python's: $name", ({ picture, outline }) => {
    const seen = procedureOf("grey-crop-pad-224-v1")!(picture);
    const found = outlineOf({ width: 224, height: 224, values: seen.pixels }, outline.threshold, seen, picture);

    expect(found.pixels).toBe(outline.pixels);
    // The points that a line keeps depend on where it begins: of a tiny one, too few may be left.
    const areas = found.contours.map(areaOf).filter((area) => area > 2).sort((one, other) => one - other);
    const expected = outline.areas.filter((area) => area > 2);
    expect(areas).toHaveLength(expected.length);
    areas.forEach((area, at) => expect(Math.abs(area - expected[at]!)).toBeLessThan(1 + 0.02 * area));
  });
});

const grid = (rows: number[][]) => ({ width: rows[0]!.length, height: rows.length, values: Float32Array.from(rows.flat()) });
const seen = { square: { left: 0, top: 0, right: 4, bottom: 4 }, crop: { left: 0, top: 0, right: 4, bottom: 4 } };

it("only the region with the most evidence stays; what touches at a corner belongs to it", () => {
  const found = strongestRegion(grid([[0.6, 0, 0, 0.9], [0, 0.6, 0, 0], [0.1, 0, 0.6, 0], [0, 0, 0, 0]]), 0.5);
  expect([...found.values].map((value) => Math.round(value * 10))).toEqual([6, 0, 0, 0, 0, 6, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0]);
});

it("cells that touch at a corner have an outline each, and nothing has none", () => {
  const touching = grid([[0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]);
  expect(outlineOf(touching, 0.5, seen, { width: 4, height: 4 })).toMatchObject({ pixels: 2, contours: [{ length: 4 }, { length: 4 }] });
  expect(outlineOf(grid([[0, 0], [0, 0]]), 0.5, seen, { width: 4, height: 4 })).toEqual({ contours: [], pixels: 0 });
});

it("the mirror image's logits are turned back", () => {
  const found = meanProbabilities(grid([[0, 9], [0, 0]]), grid([[9, 0], [0, 0]]));
  expect([...found.values].map((value) => Math.round(100 * value))).toEqual([50, 100, 50, 50]);
  expect([...mirrored(Float32Array.of(1, 2, 3, 4), 2)]).toEqual([2, 1, 4, 3]);
});

function areaOf(contour: Contours[number]): number {
  const twice = contour.reduce((sum, [x, y], at) => {
    const [nextX, nextY] = contour[(at + 1) % contour.length]!;
    return sum + x * nextY - nextX * y;
  }, 0);
  return Math.abs(twice) / 2;
}
