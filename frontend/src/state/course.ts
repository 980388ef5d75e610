/** The outlined areas of one patient's images as a line over the days since the first one. */

import type { CourseEntry } from "../api/types";
import { whole } from "../format";
import type { Point } from "./results";

/** What a row says of an entry: of a study the largest area of a slice, with the volume. */
export function areaText({ squareMm, pixels, reason, study, cubicMm, slices, pending }: CourseEntry): string {
  if (pending) return `Measuring: ${slices ?? 0} slices outlined …`;
  const area = squareMm !== null ? `${squareMm.toFixed(1)} mm²` : pixels !== null ? `${whole(Math.round(pixels))} pixels` : null;
  if (area === null) return `None: ${reason}`;
  if (!study) return area;
  const volume = cubicMm === null ? "" : `, ${whole(Math.round(cubicMm))} mm³`;
  return `Largest slice ${area}${volume}, ${whole(slices ?? 0)} outlined`;
}

export interface CourseChart {
  x: [number, number];
  y: [number, number];
  points: Point[];
  /** What the chart shows, in words. */
  label: string;
}

const DAY_MS = 86_400_000;

/** Null where fewer than two areas are known in mm²: areas in pixels are not comparable. */
export function chartOf(entries: CourseEntry[]): CourseChart | null {
  const measured = entries.flatMap(({ studyDate, squareMm }) => (squareMm === null ? [] : [{ studyDate, squareMm }]));
  const [first] = measured;
  if (!first || measured.length < 2) return null;
  const start = Date.parse(first.studyDate);
  const points = measured.map(({ studyDate, squareMm }): Point => [(Date.parse(studyDate) - start) / DAY_MS, squareMm]);
  const days = Math.max(...points.map(([day]) => day), 1);
  const most = Math.max(...points.map(([, area]) => area), 1);
  const words = measured.map(({ squareMm, studyDate }) => `${squareMm.toFixed(1)} mm² on ${studyDate}`);
  const what = entries[0]?.study ? "Largest outlined area of a slice" : "Outlined area";
  return { x: [0, days], y: [0, most], points, label: `${what}: ${words.join(", ")}` };
}
