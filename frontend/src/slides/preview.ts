/** The smallest picture of a slide, decoded by the browser before anything is sent. */

import { inflate } from "../inflate";
import {
  COMPRESSION,
  entryOf,
  JPEG_TABLES,
  levelsOf,
  PHOTOMETRIC,
  SAMPLES,
  SlideFile,
  TILE_HEIGHT,
  TILE_WIDTH,
  type Level,
} from "./structure";

const MAX_PIXELS = 4_000_000;
const MAX_PARTS = 400;
const [NONE, JPEG, DEFLATE, OLD_DEFLATE] = [1, 7, 8, 32946];
const [WHITE_IS_ZERO, RGB] = [0, 2];
const PREDICTOR = 317;
/** An Adobe segment of a JPEG that says that its colours are RGB, and not YCbCr as usual. */
const STORED_AS_RGB = [0xff, 0xee, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0, 0];

/** How the tiles of a picture are stored. */
export interface Storage {
  width: number;
  height: number;
  samples: number;
  compression: number;
  photometric: number;
  predictor: number;
}

/** Null for a picture that is large, or stored as a browser does not decode it. Raises SlideError, Error. */
export async function previewOf(blob: Blob): Promise<OffscreenCanvas | null> {
  const file = await SlideFile.open(blob);
  const level = (await levelsOf(file, await file.directories())).at(-1);
  if (!level || level.width * level.height > MAX_PIXELS || level.offsets.length > MAX_PARTS) return null;
  const { directory } = level;
  const integer = (tag: number, otherwise?: number) => file.integer(directory, tag, otherwise);
  const storage: Storage = {
    width: await integer(TILE_WIDTH),
    height: await integer(TILE_HEIGHT),
    samples: await integer(SAMPLES, 1),
    compression: await integer(COMPRESSION, 1),
    photometric: await integer(PHOTOMETRIC, 1),
    predictor: await integer(PREDICTOR, 1),
  };
  const { width, height, compression, photometric } = storage;
  const known = compression === JPEG || ([NONE, DEFLATE, OLD_DEFLATE].includes(compression) && photometric <= RGB);
  if (!known || width * height > MAX_PIXELS) return null;
  const tables = entryOf(directory, JPEG_TABLES);
  return drawn(file, level, storage, tables && (await file.read(tables.offset, tables.size)));
}

async function drawn(file: SlideFile, level: Level, storage: Storage, tables: Uint8Array | null): Promise<OffscreenCanvas> {
  const canvas = new OffscreenCanvas(level.width, level.height);
  const context = canvas.getContext("2d");
  const across = Math.ceil(level.width / storage.width);
  for (const [place, size] of level.sizes.entries()) {
    if (size === 0) continue;
    const content = await file.read(level.offsets[place] ?? 0, size);
    const tile =
      storage.compression === JPEG
        ? new Blob([jpegOf(content, tables, storage.photometric)], { type: "image/jpeg" })
        : new ImageData(await pixelsOf(content, storage), storage.width, storage.height);
    const picture = await createImageBitmap(tile);
    context?.drawImage(picture, (place % across) * storage.width, Math.floor(place / across) * storage.height);
    picture.close();
  }
  return canvas;
}

/** A tile with the tables that all tiles share, as a JPEG of its own (TIFF Technical Note 2). */
export function jpegOf(tile: Uint8Array, tables: Uint8Array | null, photometric: number): Uint8Array<ArrayBuffer> {
  const shared = tables ? tables.subarray(2, -2) : [];
  return new Uint8Array([0xff, 0xd8, ...shared, ...(photometric === RGB ? STORED_AS_RGB : []), ...tile.subarray(2)]);
}

/** The RGBA values of a tile that is no JPEG. */
export async function pixelsOf(content: Uint8Array<ArrayBuffer>, storage: Storage): Promise<Uint8ClampedArray<ArrayBuffer>> {
  const { width, height, samples, compression, photometric, predictor } = storage;
  const length = width * height * samples;
  const values = compression === NONE ? content.slice(0, length) : await inflate(content, "deflate", length);
  const made = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    for (let sample = 0; sample < samples; sample += 1) {
      const at = pixel * samples + sample;
      // Horizontal differencing (TIFF 6.0, section 14).
      if (predictor === 2 && pixel % width > 0) values[at] = (values[at] ?? 0) + (values[at - samples] ?? 0);
    }
    for (let channel = 0; channel < 3; channel += 1) {
      const value = values[pixel * samples + Math.min(channel, samples - 1)] ?? 0;
      made[4 * pixel + channel] = photometric === WHITE_IS_ZERO ? 255 - value : value;
    }
  }
  return made;
}
