import { expect, it } from "vitest";
import type { CourseEntry } from "../../../frontend/src/api/types";
import { chartOf } from "../../../frontend/src/state/course";
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
