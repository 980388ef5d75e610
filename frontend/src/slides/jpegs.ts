/**
 * The segments of JPEG data within a slide, and those that may name somebody. No pixel is decoded. The same rules and
 * limits as `backend/adapters/slides/jpegs.py`; ITU-T T.81, annex B.
 */

import { SlideError } from "./slide-error";

const START = 0xd8;
const END = 0xd9;
const SCAN = 0xda;
/** Huffman and quantization tables, and the restart interval. */
const TABLES = [0xc4, 0xdb, 0xdd];
const MOST_SEGMENTS = 256;
/** Segments that say how colours are stored: marker, beginning and length. */
const HARMLESS: [marker: number, begin: number[], length: number][] = [
  [0xe0, [0x4a, 0x46, 0x49, 0x46, 0], 16],
  [0xee, [0x41, 0x64, 0x6f, 0x62, 0x65], 14],
];

interface Segment {
  marker: number;
  start: number;
  end: number;
}

/** JPEG tables in which all but tables, and segments that say how colours are stored, is zeros of the same length: other
 * segments' contents, what follows the end, and what is no segment. */
export function withoutComments(tables: Uint8Array): Uint8Array<ArrayBuffer> {
  const made = new Uint8Array(tables);
  if (!begins(tables)) return made.fill(0);
  let position = 2;
  let found = segment(tables, position);
  while (found) {
    position = found.end;
    if (found.marker === END) break;
    if (!TABLES.includes(found.marker) && !isHarmless(tables, found)) made.fill(0, found.start, found.end);
    found = segment(tables, position);
  }
  return made.fill(0, position);
}

/** The places, from and to, of a JPEG that are no part of the picture and not zero: contents of comments, application and
 * reserved segments, and what follows the end. Raises SlideError for what is no JPEG of at most 256 segments. */
export function comments(content: Uint8Array): [from: number, to: number][] {
  const places: [number, number][] = [];
  let position = 2;
  let scanned = false;
  if (!begins(content)) throw damaged();
  for (let number = 0; number < MOST_SEGMENTS; number += 1) {
    const found = segment(content, position);
    if (!found || (found.marker === END && !scanned)) throw damaged();
    position = found.end;
    if (found.marker === SCAN) {
      scanned = true;
      position = endOfScan(content, position);
    } else if (found.marker === END) {
      places.push([position, content.length]);
      position = content.length;
    } else if (!isPicture(found.marker) && !isHarmless(content, found)) {
      places.push([found.start, found.end]);
    }
    if (scanned && position === content.length) {
      return places.filter(([from, to]) => content.subarray(from, to).some((byte) => byte !== 0));
    }
  }
  throw new SlideError(`expected JPEG tiles of at most ${MOST_SEGMENTS} segments, found more`);
}

/** Where the next marker is that ends the data of a scan. */
function endOfScan(content: Uint8Array, position: number): number {
  let at = content.indexOf(0xff, position);
  while (at >= 0 && at + 1 < content.length) {
    const next = content[at + 1] ?? 0;
    if (next !== 0 && next !== 0xff && !isRestart(next)) return at;
    at = content.indexOf(0xff, at + 1);
  }
  return content.length;
}

/** Marker, and where its content begins and ends; null where there is no whole segment. */
function segment(content: Uint8Array, place: number): Segment | null {
  let position = place;
  while (position + 1 < content.length && content[position] === 0xff && content[position + 1] === 0xff) position += 1;
  const start = position + 2;
  const marker = content[position + 1] ?? 0;
  if (start > content.length || content[position] !== 0xff || marker === 0) return null;
  if (isRestart(marker) || [1, START, END].includes(marker)) return { marker, start, end: start };
  const length = ((content[start] ?? 0) << 8) | (content[start + 1] ?? 0);
  return length >= 2 && length <= content.length - start ? { marker, start: start + 2, end: start + length } : null;
}

function begins(content: Uint8Array): boolean {
  return content[0] === 0xff && content[1] === START;
}

function isRestart(marker: number): boolean {
  return marker >= 0xd0 && marker < START;
}

/** Tables, headers of frames, and arithmetic conditioning. */
function isPicture(marker: number): boolean {
  return TABLES.includes(marker) || (marker >= 0xc0 && marker < 0xd0 && marker !== 0xc8);
}

function isHarmless(content: Uint8Array, { marker, start, end }: Segment): boolean {
  return HARMLESS.some(
    ([known, begin, length]) =>
      marker === known && end - start + 2 === length && begin.every((byte, place) => content[start + place] === byte),
  );
}

function damaged(): SlideError {
  return new SlideError("expected a whole slide, found one whose tiles are damaged");
}
