import { describe, expect, it, vi } from "vitest";
import { activationOverlay } from "../../../frontend/src/inference/activation";
import { procedureOf } from "../../../frontend/src/inference/preprocessing";
import { floats, inflated, vectors } from "./vectors";

/** Node has none. */
class Pixels {
  readonly data: Uint8ClampedArray;
  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    this.data = new Uint8ClampedArray(4 * width * height);
  }
}
vi.stubGlobal("ImageData", Pixels);

const answered = vectors.filter(({ answer }) => answer.overlay !== null);

describe("the activation map has the server's pixels", () => {
  it("for some", () => expect(answered.length).toBeGreaterThan(1));

  it.each(answered)("$name", ({ picture, answer }) => {
    const [height, width, classes] = answer.maps.shape;
    const top = Object.keys(answer.probabilities).indexOf(answer.label);
    const seen = procedureOf("grey-crop-pad-128-v1")!(picture);

    const overlay = activationOverlay({ width, height, values: floats(answer.maps.values) }, classes, top, seen, picture);

    const expected = inflated(answer.overlay!);
    expect(overlay.data.length).toBe(expected.length);
    // A value may lie at the edge between two levels.
    const furthest = expected.reduce((most, level, at) => Math.max(most, Math.abs(level - (overlay.data[at] ?? 0))), 0);
    expect(furthest).toBeLessThanOrEqual(1);
  });
});
