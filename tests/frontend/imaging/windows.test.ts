import { describe, expect, it } from "vitest";
import { render, type Raster } from "../../../frontend/src/imaging/raster";
import { AS_SEEN, BYTES, greyOf, lookupTable } from "../../../frontend/src/imaging/windows";

const GREY: Raster = {
  width: 2,
  height: 1,
  values: new Int16Array([-100, 200]),
  colour: false,
  range: { low: -100, high: 200 },
  windows: [{ name: "Default", center: 50, width: 300 }],
  shape: "LINEAR_EXACT",
  inverse: false,
  spacing: null,
  unit: "HU",
};

/** The red of each pixel. */
function shown(raster: Raster, inverted = false, window = raster.windows[0] as { center: number; width: number }): number[] {
  const target = new Uint8ClampedArray(4 * raster.width * raster.height);
  render(raster, window, inverted, target);
  return [...target].filter((_, index) => index % 4 === 0);
}

describe("windows", () => {
  it("follow PS3.3 C.11.2.1.2: the examples of its note", () => {
    const window = { center: 2048, width: 4096 };
    expect([0, 4095].map((value) => greyOf(value, window, "LINEAR"))).toEqual([0, 255]);
    expect([0, 1].map((value) => greyOf(value, { center: 0, width: 1 }, "LINEAR"))).toEqual([255, 255]);
    expect([-51, -50, 0, 50, 51].map((value) => greyOf(value, { center: 0, width: 100 }, "LINEAR_EXACT"))).toEqual([0, 0, 127.5, 255, 255]);
    expect(greyOf(40, { center: 40, width: 80 }, "SIGMOID")).toBe(127.5);
  });

  it("change nothing of a picture as the model sees it", () => {
    expect([...lookupTable(BYTES, AS_SEEN, "LINEAR_EXACT", false)]).toEqual([...Array(256).keys()]);
    expect(lookupTable(BYTES, AS_SEEN, "LINEAR_EXACT", true)[0]).toBe(255);
  });

  it("are applied to whole and to real values alike", () => {
    expect(shown(GREY)).toEqual([0, 255]);
    expect(shown(GREY, true)).toEqual([255, 0]);
    expect(shown({ ...GREY, inverse: true })).toEqual([255, 0]);
    expect(shown({ ...GREY, values: new Float32Array([-100, 50.4]) })).toEqual([0, 128]);
  });

  it("keep the opacity of pictures, and change each colour", () => {
    const values = new Uint8ClampedArray([10, 100, 250, 7]);
    const picture: Raster = { ...GREY, width: 1, values, colour: true, range: BYTES };
    const target = new Uint8ClampedArray(4);
    render(picture, { center: 64, width: 128 }, false, target);
    expect([...target]).toEqual([20, 199, 255, 7]);
  });
});
