/**
 * Grey TIFF of 16 bits, as Pillow reads it; any other kind is refused, and left to the browser. Source: TIFF 6.0,
 * sections 2, 9, 13, 14 and 15.
 */

import { inflate } from "../inflate";
import { deepGreyRaster } from "./deep-grey";
import { MAX_PIXELS, type Raster } from "./raster";

const TAGS = {
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  photometric: 262,
  offsets: 273,
  orientation: 274,
  samples: 277,
  rows: 278,
  counts: 279,
  predictor: 317,
  tileWidth: 322,
  tileHeight: 323,
  tileOffsets: 324,
  tileCounts: 325,
  sampleFormat: 339,
};
const SIZES: Record<number, number> = { 1: 1, 3: 2, 4: 4 };
const MAX_ENTRIES = 4096;
const MAX_PARTS = 100_000;
const [CLEAR, END, FIRST] = [256, 257, 258];
const MAX_CODES = 4096;

type Codec = (data: Uint8Array<ArrayBuffer>, size: number) => Uint8Array | Promise<Uint8Array>;
const CODECS: Record<number, Codec> = {
  1: (data) => data,
  5: unpackLzw,
  8: (data, size) => inflate(data, "deflate", size),
  32773: unpackBits,
  32946: (data, size) => inflate(data, "deflate", size),
};

/** Raises RangeError for any other kind of TIFF, and for a file that is damaged or too large. */
export async function deepTiffRaster(content: Uint8Array<ArrayBuffer>): Promise<Raster> {
  const little = content[0] === 0x49;
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const tags = directory(view, little);
  const one = (name: keyof typeof TAGS, otherwise: number) => tags.get(TAGS[name])?.[0] ?? otherwise;
  const [width, height] = [one("width", 0), one("height", 0)];
  if (width * height === 0 || width * height > MAX_PIXELS) refuse(`1 to ${MAX_PIXELS} pixels`, `${width} by ${height}`);
  const kind = [one("bits", 1), one("samples", 1), one("photometric", 1), one("sampleFormat", 1), one("orientation", 1)];
  if (kind.join() !== "16,1,1,1,1") refuse("grey pixels of 16 bits without a sign", "others");
  const codec = CODECS[one("compression", 1)] ?? refuse("a compression that this page reads", String(one("compression", 1)));
  const tiled = tags.has(TAGS.tileOffsets);
  const across = tiled ? one("tileWidth", 0) : width;
  const down = tiled ? one("tileHeight", 0) : Math.min(one("rows", height), height);
  if (across * down === 0 || across * down > MAX_PIXELS) refuse("tiles with pixels", `${across} by ${down}`);
  const offsets = tags.get(tiled ? TAGS.tileOffsets : TAGS.offsets) ?? [];
  const counts = tags.get(tiled ? TAGS.tileCounts : TAGS.counts) ?? [];
  const columns = Math.ceil(width / across);
  if (offsets.length < columns * Math.ceil(height / down)) refuse("all parts of the picture", "fewer");
  const values = new Uint16Array(width * height);
  for (let part = 0; part < columns * Math.ceil(height / down); part++) {
    const [left, top] = [(part % columns) * across, Math.floor(part / columns) * down];
    // Tiles are whole, the last strip is not.
    const rows = tiled ? down : Math.min(down, height - top);
    const start = offsets[part] ?? 0;
    const packed = content.subarray(start, start + (counts[part] ?? 0));
    const unpacked = await codec(packed, 2 * across * rows);
    if (unpacked.length < 2 * across * rows) refuse("a whole TIFF image", "one that is cut off");
    const read = new DataView(unpacked.buffer, unpacked.byteOffset, unpacked.byteLength);
    for (let y = 0; y < rows && top + y < height; y++) {
      let before = 0;
      for (let x = 0; x < across; x++) {
        const value = read.getUint16(2 * (y * across + x), little);
        before = one("predictor", 1) === 2 ? (before + value) & 0xffff : value;
        if (left + x < width) values[(top + y) * width + left + x] = before;
      }
    }
  }
  return deepGreyRaster(width, height, values);
}

/** The whole numbers of the first directory, by tag. */
function directory(view: DataView, little: boolean): Map<number, number[]> {
  const found = new Map<number, number[]>();
  const start = view.getUint32(4, little);
  const entries = Math.min(view.getUint16(start, little), MAX_ENTRIES);
  for (let at = start + 2; at < start + 2 + 12 * entries; at += 12) {
    const [tag, type, count] = [view.getUint16(at, little), view.getUint16(at + 2, little), view.getUint32(at + 4, little)];
    const size = SIZES[type];
    if (size === undefined || count > MAX_PARTS) continue;
    const place = size * count > 4 ? view.getUint32(at + 8, little) : at + 8;
    const number = (index: number) => {
      if (size === 1) return view.getUint8(place + index);
      return size === 2 ? view.getUint16(place + 2 * index, little) : view.getUint32(place + 4 * index, little);
    };
    found.set(tag, Array.from({ length: count }, (_, index) => number(index)));
  }
  return found;
}

function unpackBits(data: Uint8Array, size: number): Uint8Array {
  const made = new Uint8Array(size);
  let [from, to] = [0, 0];
  while (from < data.length && to < size) {
    const length = data[from++] ?? 0;
    if (length < 128) {
      const run = data.subarray(from, from + Math.min(length + 1, size - to));
      made.set(run, to);
      from += length + 1;
      to += run.length;
    } else if (length > 128) {
      made.fill(data[from++] ?? 0, to, Math.min(to + 257 - length, size));
      to += 257 - length;
    }
  }
  return made.subarray(0, Math.min(to, size));
}

/** Codes of 9 to 12 bits, the highest bit first. */
function unpackLzw(data: Uint8Array, size: number): Uint8Array {
  const made = new Uint8Array(size);
  const [starts, lengths] = [new Uint32Array(MAX_CODES), new Uint32Array(MAX_CODES)];
  let [to, next, bits, buffer, kept] = [0, FIRST, 9, 0, 0];
  for (const byte of data) {
    buffer = ((buffer << 8) | byte) & 0xffffff;
    kept += 8;
    if (kept < bits) continue;
    kept -= bits;
    const code = (buffer >> kept) & ((1 << bits) - 1);
    if (code === END) break;
    if (code === CLEAR) {
      [next, bits] = [FIRST, 9];
      continue;
    }
    // A string is where it was written last, and one byte longer than it was then.
    const begin = to;
    if (code < CLEAR) {
      made[to++] = code;
    } else {
      if (code >= next) refuse("LZW codes that are known", String(code));
      const [from, length] = [starts[code] ?? 0, lengths[code] ?? 0];
      for (let index = 0; index < length && to < size; index++) made[to++] = made[from + index] ?? 0;
    }
    if (to >= size) break;
    if (next < MAX_CODES) {
      starts[next] = begin;
      lengths[next] = to - begin + 1;
      next++;
    }
    if (next >= 1 << bits && bits < 12) bits++;
  }
  return made.subarray(0, to);
}

function refuse(expected: string, found: string): never {
  throw new RangeError(`expected a TIFF with ${expected}, found ${found}`);
}
