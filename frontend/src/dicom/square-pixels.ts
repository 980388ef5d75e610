/** Refuses pixels that are not square, as `check_square` of ml/preprocessing/dicom.py does: models see square ones. */

import { DicomError } from "./dicom-error";
import { textOf, type DataSet } from "./elements";
import { viewOf } from "./values";

/** By which the sides of a pixel may differ: scanners round. */
const MOST_DIFFERENCE = 0.01;
/** Pixel Spacing, Imager Pixel Spacing, Nominal Scanned Pixel Spacing. */
const SPACINGS = [0x00280030, 0x00181164, 0x00182010];
const ASPECT = 0x00280034;
const PER_FRAME = 0x52009230;
const SHARED = 0x52009229;
const MEASURES = 0x00289110;
const REGIONS = 0x00186011;
const UNITS = 0x00186024;
const CENTIMETRES = 3;
const DELTA_X = 0x0018602c;
const DELTA_Y = 0x0018602e;

/** Raises DicomError. */
export function checkSquare(dataSet: DataSet): void {
  const sides = aspectOf(dataSet);
  if (!sides) return;
  const [height, width] = sides;
  if (Math.abs(height - width) <= MOST_DIFFERENCE * Math.max(height, width)) return;
  throw new DicomError(`expected square pixels, as models were trained on, found ${height} by ${width}: resample the image first`);
}

/** Height and width, in mm or as a ratio; null where they are unknown. */
function aspectOf(dataSet: DataSet): [number, number] | null {
  const first = (tag: number) => dataSet.get(tag)?.items?.[0]?.get(MEASURES)?.items?.[0];
  const measures = first(PER_FRAME) ?? first(SHARED) ?? dataSet;
  for (const tag of SPACINGS) {
    const found = pair(measures, tag);
    if (found) return found;
  }
  const regions = dataSet.get(REGIONS)?.items ?? [];
  const units = regions[0]?.get(UNITS)?.value;
  if (regions.length === 1 && units?.length === 2 && viewOf(units).getUint16(0, true) === CENTIMETRES) {
    const [height, width] = [DELTA_Y, DELTA_X].map((tag) => {
      const value = regions[0]?.get(tag)?.value;
      return value?.length === 8 ? Math.abs(viewOf(value).getFloat64(0, true)) : 0;
    });
    if (height && width) return [height, width];
  }
  return pair(dataSet, ASPECT);
}

function pair(dataSet: DataSet, tag: number): [number, number] | null {
  const [height = 0, width = 0, ...more] = textOf(dataSet.get(tag)).split("\\").map(Number);
  return more.length === 0 && height > 0 && width > 0 ? [height, width] : null;
}
