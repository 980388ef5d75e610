import { describe, expect, it } from "vitest";
import { colourfulness } from "../../../frontend/src/inference/decision";
import { round } from "../../../frontend/src/inference/pillow";
import { procedureOf } from "../../../frontend/src/inference/preprocessing";
import { sha256, vectors } from "./vectors";

describe("the tensors are Python's bit by bit", () => {
  it.each(vectors)("$name", ({ picture, tensors, answer }) => {
    for (const [id, expected] of Object.entries(tensors)) {
      const { pixels, shape, crop } = procedureOf(id)!(picture);
      expect(sha256(pixels), id).toBe(expected);
      expect(shape[1] * shape[2] * shape[3]).toBe(pixels.length);
      if (id.startsWith("grey-crop-pad-128")) expect(crop).toEqual(answer.crop);
    }
  });
});

it.each(vectors)("the colourfulness is Python's: $name", ({ picture, colourfulness: expected }) => {
  expect(colourfulness(picture)).toBeCloseTo(expected, 9);
});

it("only procedures that run here are found", () => {
  expect(procedureOf("histology-tiles-700-v1")).toBeNull();
  expect(procedureOf("grey-crop-pad-128-v2")).toBeNull();
  expect(procedureOf("grey-crop-pad-v1")).toBeNull();
});

it("halves are rounded to even", () => {
  expect([0.5, 1.5, 2.5, 2.4, 2.6].map(round)).toEqual([0, 2, 2, 2, 3]);
});
