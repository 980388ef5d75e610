import { expect, it } from "vitest";
import type { CourseEntry } from "../../../frontend/src/api/types";
import { areaText, chartOf } from "../../../frontend/src/state/course";
import { NOTHING_KNOWN } from "../../../frontend/src/state/kind";
import { CID, IMAGE_ID } from "../samples";

const entry = (studyDate: string, squareMm: number | null): CourseEntry => ({
  imageId: IMAGE_ID,
  cid: CID,
  studyDate,
  kind: NOTHING_KNOWN,
  pixels: 40,
  squareMm,
  by: "model",
  reason: null,
  study: false,
  cubicMm: null,
  slices: null,
  pending: false,
});

it("draws areas in mm² over the days since the first", () => {
  const chart = chartOf([entry("2020-02-01", 10), entry("2020-03-01", null), entry("2020-03-02", 25.04)]);
  expect(chart).toEqual({
    x: [0, 30],
    y: [0, 25.04],
    points: [
      [0, 10],
      [30, 25.04],
    ],
    label: "Outlined area: 10.0 mm² on 2020-02-01, 25.0 mm² on 2020-03-02",
  });
});

it("has an axis even where nothing changed", () => {
  const chart = chartOf([entry("2020-02-01", 0), entry("2020-02-01", 0)]);
  expect([chart?.x, chart?.y]).toEqual([
    [0, 1],
    [0, 1],
  ]);
});

it("compares no pixels", () => {
  expect(chartOf([])).toBeNull();
  expect(chartOf([entry("2020-02-01", null), entry("2020-03-01", null)])).toBeNull();
  expect(chartOf([entry("2020-02-01", 3), entry("2020-03-01", null)])).toBeNull();
});

it.each([
  [{}, "10.0 mm²"],
  [{ squareMm: null }, "40 pixels"],
  [{ squareMm: null, pixels: null, reason: "nothing is outlined" }, "None: nothing is outlined"],
  [{ study: true, slices: 3 }, "Largest slice 10.0 mm², 3 outlined"],
  [{ study: true, slices: 3, cubicMm: 1234.5 }, "Largest slice 10.0 mm², 1,235 mm³, 3 outlined"],
  [{ study: true, slices: 2, pending: true }, "Measuring: 2 slices outlined …"],
])("says what is known of an area: %o", (values, text) => {
  expect(areaText({ ...entry("2020-02-01", 10), ...values })).toBe(text);
});

it("names the areas of studies after their largest slice", () => {
  const study = (date: string): CourseEntry => ({ ...entry(date, 10), study: true, slices: 2 });
  expect(chartOf([study("2020-02-01"), study("2020-03-01")])?.label).toMatch(/^Largest outlined area of a slice: /);
});
