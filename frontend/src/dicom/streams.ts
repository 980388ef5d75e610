/**
 * Clears what a compressed picture carries beside its pixels, as `backend/adapters/dicom/streams.py` does. Nothing
 * changes its length, so that tables of offsets stay true.
 */

import { joined } from "../bytes";
import { DicomError } from "./dicom-error";
import { latin } from "./elements";

const SOI = 0xd8;
const EOI = 0xd9;
const COMMENT = 0xfe;
/** JPEG-LS: its frame header and its preset parameters. The others of F0 to FD are reserved for extensions. */
const JPEG_LS = [0xf7, 0xf8];
/** The bytes of an application segment that say how to read the picture: JFIF, Adobe's and HP's colour transforms. */
const READ: [marker: number, name: string, size: number][] = [
  [0xe0, "JFIF\0", 14],
  [0xee, "Adobe", 12],
  [0xe8, "mrfx", 5],
];
const JP2_SIGNATURE = "\0\0\0\x0cjP  ";
const JP2_BOXES = ["jP  ", "ftyp", "ihdr", "bpcc", "colr", "pclr", "cmap", "cdef"];
const RLE_HEADER_BYTES = 64;

type PictureReader = (data: Data, position: number) => number;

/** The fragments as one, and where each ends. */
class Data {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly ends: number[] = [];
  changed = false;

  constructor(fragments: Uint8Array[]) {
    this.bytes = joined(fragments);
    for (const fragment of fragments) this.ends.push((this.ends.at(-1) ?? 0) + fragment.length);
  }

  get length(): number {
    return this.bytes.length;
  }

  at(position: number): number {
    return this.bytes[position] ?? 0;
  }

  number(position: number, bytes: number): number {
    let found = 0;
    for (let place = position; place < Math.min(position + bytes, this.length); place++) {
      found = found * 256 + this.at(place);
    }
    return found;
  }

  startsWith(text: string, position: number): boolean {
    return latin(this.bytes.subarray(position, position + text.length)) === text;
  }

  clear(start: number, end: number): void {
    if (start >= end) return;
    const part = this.bytes.subarray(start, end);
    this.changed ||= part.some(Boolean);
    part.fill(0);
  }

  fragments(): Uint8Array[] {
    return this.ends.map((end, place) => this.bytes.subarray(this.ends[place - 1] ?? 0, end));
  }
}

/** The fragments of encapsulated pixel data, cleared, and whether there was anything to clear. Raises DicomError. */
export function clean(stream: string, fragments: Uint8Array[], pixels: number): [cleared: Uint8Array[], changed: boolean] {
  const data = new Data(fragments);
  if (stream === "jpeg") each(data, new Map([["\xff\xd8", jpegPicture]]), "JPEG");
  else if (stream === "jpeg2000") each(data, new Map([[JP2_SIGNATURE, boxes], ["\xff\x4f", codestream]]), "JPEG 2000");
  else rle(data, pixels);
  return [data.fragments(), data.changed];
}

/** Reads the pictures, each of which begins with a fragment and with a key of `readers`; clears what is after it. */
function each(data: Data, readers: Map<string, PictureReader>, codec: string): void {
  let position = 0;
  for (const end of data.ends) {
    if (position < end) {
      const reader = [...readers].find(([magic]) => data.startsWith(magic, position))?.[1];
      if (reader) position = reader(data, position);
      else if (!position && data.bytes.subarray(0, end).some(Boolean)) throw damaged(codec);
    }
    if (position < end) {
      data.clear(position, end);
      position = end;
    }
  }
}

/** Where the picture ends whose SOI is at `position`. */
function jpegPicture(data: Data, position: number): number {
  position += 2;
  for (;;) {
    position = nextMarker(data, position);
    if (position < 0) return data.length;
    const marker = data.at(position + 1);
    if (marker === SOI) return position;
    if (marker === EOI) return position + 2;
    const length = data.number(position + 2, 2);
    const stop = position + 2 + length;
    if (length < 2 || stop > data.length) throw damaged("JPEG");
    const extension = marker >= 0xf0 && marker <= 0xfd && !JPEG_LS.includes(marker);
    if ((marker >= 0xe0 && marker <= 0xef) || extension || marker === COMMENT) {
      const payload = position + 4;
      const kept = READ.find(([known, name]) => marker === known && data.startsWith(name, payload))?.[2] ?? 0;
      data.clear(Math.min(payload + kept, stop), stop);
    }
    position = stop;
  }
}

/** The next marker: between segments, and after coded data, in which FF is followed by less than 80 (or RSTn). */
function nextMarker(data: Data, position: number): number {
  for (;;) {
    position = data.bytes.indexOf(0xff, position);
    if (position < 0 || position + 1 >= data.length) return -1;
    const next = data.at(position + 1);
    if (next >= 0x80 && next !== 0xff && !(next >= 0xd0 && next <= 0xd7)) return position;
    position += 1;
  }
}

/** The boxes of a JP2 file, up to the end of its codestream. Those within the header are looked at too. */
function boxes(data: Data, position: number): number {
  while (position + 8 <= data.length) {
    let length = data.number(position, 4);
    const kind = latin(data.bytes.subarray(position + 4, position + 8));
    const header = length === 1 ? 16 : 8;
    if (length === 1) length = data.number(position + 8, 8);
    if (kind === "jp2c") return codestream(data, position + header);
    if (length < header || position + length > data.length) break;
    if (kind === "jp2h") length = header;
    else if (!JP2_BOXES.includes(kind)) data.clear(position + header, position + length);
    position += length;
  }
  throw damaged("JPEG 2000");
}

/** Where the codestream ends that begins at `position`. */
function codestream(data: Data, position: number): number {
  if (!data.startsWith("\xff\x4f", position)) throw damaged("JPEG 2000");
  position += 2;
  let tileEnd = 0;
  while (position + 4 <= data.length) {
    const marker = data.number(position, 2);
    const length = data.number(position + 2, 2);
    if (marker === 0xffd9) return position + 2;
    if (marker === 0xff93) {
      // The last tile-part may leave its length open.
      if (!tileEnd) return openEnd(data, position);
      position = tileEnd;
      tileEnd = 0;
      continue;
    }
    const stop = position + 2 + length;
    if (marker <= 0xff30 || length < 2 || stop > data.length) throw damaged("JPEG 2000");
    if (marker === 0xff90) {
      const size = data.number(position + 6, 4);
      if (size && (size < 14 || position + size > data.length)) throw damaged("JPEG 2000");
      tileEnd = size ? position + size : 0;
    } else if (marker === 0xff64) {
      data.clear(Math.min(position + 6, stop), stop);
    }
    position = stop;
  }
  return data.startsWith("\xff\xd9", position) ? position + 2 : position;
}

/** The end of a codestream whose last tile-part has no length: the last EOC before the next codestream. */
function openEnd(data: Data, position: number): number {
  const limit = data.ends.find((end) => end > position && data.startsWith("\xff\x4f", end)) ?? data.length;
  for (let place = limit - 2; place >= position; place--) {
    if (data.at(place) === 0xff && data.at(place + 1) === 0xd9) return place + 2;
  }
  return limit;
}

function rle(data: Data, pixels: number): void {
  let start = 0;
  for (const end of data.ends) {
    if (end - start < RLE_HEADER_BYTES) throw damaged("RLE");
    const header = new DataView(data.bytes.buffer, start, RLE_HEADER_BYTES);
    const count = header.getUint32(0, true);
    if (count > 15) throw damaged("RLE");
    const used = Array.from({ length: count }, (_, place) => start + header.getUint32(4 * (place + 1), true));
    const limits = [...used.slice(1), end];
    const body = start + RLE_HEADER_BYTES;
    if (used.some((first, place) => first < body || first > (limits[place] ?? 0))) throw damaged("RLE");
    data.clear(start + 4 * (count + 1), body);
    data.clear(body, used[0] ?? end);
    used.forEach((first, place) => {
      const last = limits[place] ?? end;
      data.clear(rleEnd(data, first, last, pixels), last);
    });
    start = end;
  }
}

/** Where the codes of a segment have given `pixels` bytes. */
function rleEnd(data: Data, position: number, end: number, pixels: number): number {
  let produced = 0;
  while (produced < pixels && position < end) {
    const code = data.at(position);
    if (code < 128) {
      position += 2 + code;
      produced += 1 + code;
    } else if (code > 128) {
      position += 2;
      produced += 257 - code;
    } else {
      position += 1;
    }
  }
  return Math.min(position, end);
}

function damaged(codec: string): DicomError {
  return new DicomError(`expected whole ${codec} data in (7FE0,0010) Pixel Data, found damaged data`);
}
