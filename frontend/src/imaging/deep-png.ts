/** Grey PNG of 16 bits, of which browsers show the high bytes. Source: PNG (Third Edition), sections 5, 9 and 11. */

import { joined } from "../bytes";
import { inflate } from "../inflate";
import { deepGreyRaster } from "./deep-grey";
import { MAX_PIXELS, type Raster } from "./raster";

const BYTES = 2;
const FIRST_CHUNK = 8;

/** Raises RangeError for a file that is damaged or too large. */
export async function deepPngRaster(content: Uint8Array<ArrayBuffer>): Promise<Raster> {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  if (width === 0 || height === 0 || width * height > MAX_PIXELS) {
    throw new RangeError(`expected a PNG image of 1 to ${MAX_PIXELS} pixels, found ${width} × ${height}`);
  }
  const line = BYTES * width;
  const rows = await inflate(imageData(content, view), "deflate", (line + 1) * height);
  if (rows.length < (line + 1) * height) throw new RangeError("expected a whole PNG image, found one that is cut off");
  const values = new Uint16Array(width * height);
  let above = new Uint8Array(line);
  for (let y = 0; y < height; y++) {
    const start = y * (line + 1);
    const row = rows.subarray(start + 1, start + 1 + line);
    unfilter(row, above, rows[start] ?? 0);
    for (let x = 0; x < width; x++) values[y * width + x] = ((row[2 * x] ?? 0) << 8) | (row[2 * x + 1] ?? 0);
    above = row;
  }
  return deepGreyRaster(width, height, values);
}

function imageData(content: Uint8Array<ArrayBuffer>, view: DataView): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  for (let at = FIRST_CHUNK; at + 12 <= content.length; ) {
    const [length, name] = [view.getUint32(at), String.fromCharCode(...content.subarray(at + 4, at + 8))];
    if (name === "IDAT") parts.push(content.subarray(at + 8, at + 8 + length));
    if (name === "IEND") break;
    at += 12 + length;
  }
  return joined(parts);
}

/** In place. */
function unfilter(row: Uint8Array, above: Uint8Array, filter: number): void {
  for (let at = 0; at < row.length; at++) {
    const [left, up, corner] = [at < BYTES ? 0 : (row[at - BYTES] ?? 0), above[at] ?? 0, at < BYTES ? 0 : (above[at - BYTES] ?? 0)];
    row[at] = (row[at] ?? 0) + predict(filter, left, up, corner);
  }
}

function predict(filter: number, left: number, up: number, corner: number): number {
  switch (filter) {
    case 0:
      return 0;
    case 1:
      return left;
    case 2:
      return up;
    case 3:
      return (left + up) >> 1;
    case 4: {
      const guess = left + up - corner;
      const [toLeft, toUp, toCorner] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
      return toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner;
    }
    default:
      throw new RangeError(`expected a PNG filter of 0 to 4, found ${filter}`);
  }
}
