/** A grey picture of 16 bits from a file without windows, of which browsers show the high bytes or nothing. */

import { IDENTITY, rangeOf, type Raster } from "./raster";
import { robustRange } from "./robust-range";
import { AS_SEEN, rangeWindow } from "./windows";

export function deepGreyRaster(width: number, height: number, values: Uint16Array<ArrayBuffer>): Raster {
  const stored = rangeOf(values);
  const picture = { width, height, values, stored };
  const windows = [rangeWindow(AS_SEEN, robustRange(picture, stored, null)), rangeWindow("All values", stored)] as const;
  return { ...picture, colour: false, modality: IDENTITY, windows, inverse: false, spacing: null };
}
