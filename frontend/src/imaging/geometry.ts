/** Points, lengths and areas on an image and on the stage that shows it. */

export interface Point {
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
}

/** Distance of neighbouring pixels in mm: `x` between columns, `y` between rows. */
export type Spacing = Point;

/** CSS pixels for one pixel of an image that just fits the stage. */
export const fitScale = (stage: Size, image: Size): number =>
  Math.min(stage.width / Math.max(image.width, 1), stage.height / Math.max(image.height, 1));

export const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);

/** In mm where the spacing is known, else in pixels. */
export const distance = (from: Point, to: Point, spacing: Spacing | null): number =>
  Math.hypot((to.x - from.x) * (spacing?.x ?? 1), (to.y - from.y) * (spacing?.y ?? 1));

/** Area that an odd number of the closed polygons encloses, if none cross: in mm², without a spacing in pixels. */
export function enclosedArea(polygons: readonly (readonly (readonly [x: number, y: number])[])[], spacing: Spacing | null): number {
  const areas = polygons.map((points) => {
    const inside = polygons.filter((other) => other !== points && points[0] && contains(other, points[0])).length;
    return shoelace(points) * (inside % 2 === 0 ? 1 : -1);
  });
  return areas.reduce((sum, area) => sum + area, 0) * (spacing ? spacing.x * spacing.y : 1);
}

function shoelace(points: readonly (readonly [x: number, y: number])[]): number {
  const doubled = points.reduce((sum, [x, y], index) => {
    const [nextX, nextY] = points[(index + 1) % points.length] ?? [x, y];
    return sum + x * nextY - nextX * y;
  }, 0);
  return Math.abs(doubled) / 2;
}

function contains(points: readonly (readonly [x: number, y: number])[], [x, y]: readonly [x: number, y: number]): boolean {
  return points.reduce((inside, [x1, y1], index) => {
    const [x2, y2] = points[(index + 1) % points.length] ?? [x1, y1];
    const crosses = y1 > y !== y2 > y && x < x1 + ((y - y1) / (y2 - y1)) * (x2 - x1);
    return crosses ? !inside : inside;
  }, false);
}

/** A length of 1, 2 or 5 times a power of ten, at most `longest`; 0 where there is none. */
export function roundLength(longest: number): number {
  if (!(longest > 0) || !Number.isFinite(longest)) return 0;
  const power = 10 ** Math.floor(Math.log10(longest));
  return power * (longest / power >= 5 ? 5 : longest / power >= 2 ? 2 : 1);
}
