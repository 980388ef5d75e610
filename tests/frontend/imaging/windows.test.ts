import { describe, expect, it } from "vitest";
import { levels, pictureRaster, render, unitRange, type Raster } from "../../../frontend/src/imaging/raster";
import { brightness, PICTURE_WINDOWS, rangeWindow, type Window } from "../../../frontend/src/imaging/windows";

const WINDOW = rangeWindow("Default", { low: -200, high: 400 });
/** Stored -100 and 200 are -200 and 400 HU. */
const GREY: Raster = {
  width: 2,
  height: 1,
  values: new Int16Array([-100, 200]),
  colour: false,
  stored: { low: -100, high: 200 },
  modality: { slope: 2, intercept: 0 },
  windows: [WINDOW],
  inverse: false,
  spacing: null,
};

/** The red of each pixel. */
function shown(raster: Raster, inverted = false, window: Window = raster.windows[0]): number[] {
  const target = new Uint8ClampedArray(4 * raster.width * raster.height);
  render(raster, window, inverted, target);
  return [...target].filter((_, index) => index % 4 === 0);
}

describe("windows", () => {
  it("follow PS3.3 C.11.2.1.2: the examples of its note", () => {
    const wide: Window = { center: 2048, width: 4096, shape: "LINEAR" };
    expect([0, 4095].map((value) => brightness(value, wide))).toEqual([0, 1]);
    expect([-1, 0].map((value) => brightness(value, { center: 0, width: 1, shape: "LINEAR" }))).toEqual([0, 1]);
    const exact: Window = { center: 0, width: 100, shape: "LINEAR_EXACT" };
    expect([-51, -50, 0, 50, 51].map((value) => brightness(value, exact))).toEqual([0, 0, 0.5, 1, 1]);
    expect(brightness(40, { center: 40, width: 80, shape: "SIGMOID" })).toBe(0.5);
    expect(brightness(-1e9, { center: 40, width: 80, shape: "SIGMOID" })).toBeCloseTo(0);
  });

  it("can be tables, whose ends go on", () => {
    const table = { first: 10, entries: Float64Array.of(0.25, 0.5, 1) };
    expect([0, 10, 11.4, 99].map((value) => brightness(value, { ...WINDOW, table }))).toEqual([0.25, 0.25, 0.5, 1]);
  });

  it("change nothing of a picture as the model sees it", () => {
    const picture = pictureRaster({ width: 1, height: 1, data: new Uint8ClampedArray(4) });
    expect([...levels(picture, PICTURE_WINDOWS[0], false)]).toEqual([...Array(256).keys()]);
    expect(levels(picture, PICTURE_WINDOWS[0], true)[0]).toBe(255);
  });

  it("are in the modality's units, by slope or table", () => {
    expect(unitRange(GREY)).toEqual({ low: -200, high: 400 });
    expect(shown(GREY)).toEqual([0, 255]);
    expect(shown(GREY, true)).toEqual([255, 0]);
    expect(shown({ ...GREY, inverse: true })).toEqual([255, 0]);
    expect(shown({ ...GREY, inverse: true }, true)).toEqual([0, 255]);
    const table = { first: -100, entries: Float64Array.from({ length: 301 }, (_, index) => index) };
    expect(shown({ ...GREY, modality: table }, false, rangeWindow("", { low: 0, high: 300 }))).toEqual([0, 255]);
  });

  it("keep the opacity of pictures, and change each colour", () => {
    const picture = pictureRaster({ width: 1, height: 1, data: new Uint8ClampedArray([10, 100, 250, 7]) });
    const target = new Uint8ClampedArray(4);
    render(picture, { center: 64, width: 128, shape: "LINEAR_EXACT" }, false, target);
    expect([...target]).toEqual([20, 199, 255, 7]);
  });
});
