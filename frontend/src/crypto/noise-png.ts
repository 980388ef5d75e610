/**
 * Bytes as the grey pixels of a PNG, and back. Source: PNG (Third Edition), sections 5, 9 and 11. Only what is written
 * for shares is read: 8-bit grey without interlacing and filters.
 */

import { areSame, joined } from "../bytes";
import { inflate } from "../inflate";
import { CryptoRefused } from "./refused";

type Bytes = Uint8Array<ArrayBuffer>;

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
/** Bit depth, colour type, compression, filter method, interlacing. */
const FORMAT = Uint8Array.of(8, 0, 0, 0, 0);
const LONGEST_BLOCK = 0xffff;
const ADLER_MODULUS = 65521;
const CRC_POLYNOMIAL = 0xedb88320;

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ CRC_POLYNOMIAL : value >>> 1;
  return value;
});

/** A picture that is up to twice as wide as high, of the size that wastes least; zeros fill its last row. */
export function writePng(content: Uint8Array): Bytes {
  const width = widthFor(content.length);
  const height = Math.ceil(content.length / width);
  const rows = new Uint8Array((width + 1) * height);
  for (let y = 0; y < height; y++) rows.set(content.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  const header = joined([number(width), number(height), FORMAT]);
  return joined([SIGNATURE, chunk("IHDR", header), chunk("IDAT", stored(rows)), chunk("IEND", new Uint8Array(0))]);
}

/**
 * The pixels row by row, with the zeros at their end. Rejects with CryptoRefused for another kind of PNG, a damaged one,
 * or one of more than `most` pixels.
 */
export async function readPng(picture: Bytes, most: number): Promise<Bytes> {
  const chunks = chunksOf(picture);
  const header = chunks[0] ?? new Uint8Array(0);
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  if (header.length !== 13 || !areSame(header.subarray(8), FORMAT)) throw refused("it is not of 8-bit grey");
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  if (width * height === 0 || width * height > most) throw refused(`it has not 1 to ${most} pixels`);
  const size = (width + 1) * height;
  if ((chunks[1]?.length ?? 0) < size) throw refused("its rows are compressed");
  const rows = await inflate(chunks[1] ?? new Uint8Array(0), "deflate", size, 0).catch(() => null);
  if (rows?.length !== size) throw refused("its rows are not those of its header");
  const pixels = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const start = y * (width + 1);
    if (rows[start] !== 0) throw refused("its rows have filters");
    pixels.set(rows.subarray(start + 1, start + 1 + width), y * width);
  }
  return pixels;
}

/** The contents of IHDR, IDAT and IEND. */
function chunksOf(picture: Bytes): Bytes[] {
  if (!areSame(picture.subarray(0, SIGNATURE.length), SIGNATURE)) throw refused("it is no PNG file");
  const view = new DataView(picture.buffer, picture.byteOffset, picture.length);
  let at = SIGNATURE.length;
  const contents = ["IHDR", "IDAT", "IEND"].map((name) => {
    const length = at + 8 <= picture.length ? view.getUint32(at) : 0;
    const content = picture.subarray(at + 8, at + 8 + length);
    const whole = chunk(name, content);
    if (!areSame(picture.subarray(at, at + 12 + length), whole)) throw refused(`the chunk ${name} is missing or damaged`);
    at += whole.length;
    return content;
  });
  if (at !== picture.length) throw refused("bytes follow its end");
  return contents;
}

function refused(why: string): CryptoRefused {
  return new CryptoRefused("png", `expected a PNG file as shares are written, unchanged by other programs: ${why}`);
}

/** The one between the side of a square and twice as much with the least bytes of filters and filling. */
function widthFor(length: number): number {
  const side = Math.max(1, Math.floor(Math.sqrt(length)));
  let best = side;
  const bytes = (width: number): number => (width + 1) * Math.ceil(length / width);
  for (let width = side; width <= 2 * side; width++) if (bytes(width) < bytes(best)) best = width;
  return best;
}

/** Blocks without compression in a zlib stream (RFC 1950, RFC 1951 section 3.2.4): noise cannot be compressed. */
function stored(rows: Bytes): Bytes {
  const parts: Uint8Array[] = [Uint8Array.of(0x78, 0x01)];
  for (let at = 0; at < rows.length; at += LONGEST_BLOCK) {
    const block = rows.subarray(at, at + LONGEST_BLOCK);
    const isLast = Number(at + LONGEST_BLOCK >= rows.length);
    const length = block.length;
    parts.push(Uint8Array.of(isLast, length & 0xff, length >>> 8, ~length & 0xff, (~length >>> 8) & 0xff), block);
  }
  return joined([...parts, number(adler32(rows))]);
}

function adler32(bytes: Bytes): number {
  let [low, high] = [1, 0];
  for (const byte of bytes) {
    low = (low + byte) % ADLER_MODULUS;
    high = (high + low) % ADLER_MODULUS;
  }
  return high * 0x10000 + low;
}

function chunk(name: string, content: Bytes): Bytes {
  const body = joined([new TextEncoder().encode(name), content]);
  return joined([number(content.length), body, number(crc32(body))]);
}

function crc32(bytes: Bytes): number {
  let value = 0xffffffff;
  for (const byte of bytes) value = (crcTable[(value ^ byte) & 0xff] ?? 0) ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

function number(value: number): Bytes {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}
