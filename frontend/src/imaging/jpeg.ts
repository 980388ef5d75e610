/**
 * JPEG as DICOM has it: sequential with 8 and 12 bits (processes 1, 2 and 4), lossless (process 14). Values are as they
 * were coded: nothing is converted between colour spaces. Source: ITU-T T.81.
 */

import { BitReader, huffmanTable } from "./bits";
import type { Frame, Planes, Scan, Tables } from "./jpeg-frame";
import { decodeLossless } from "./jpeg-lossless";
import { decodeSequential } from "./jpeg-sequential";

const SOF: Record<number, "sequential" | "lossless"> = { 0xc0: "sequential", 0xc1: "sequential", 0xc3: "lossless" };
const ADOBE = [0x41, 0x64, 0x6f, 0x62, 0x65];

export interface Jpeg {
  width: number;
  height: number;
  components: number;
  precision: number;
  values: Uint16Array<ArrayBuffer>;
  /** What Adobe's marker says of the colours: whether they are YCbCr; null without it. */
  transformed: boolean | null;
}

/** Raises RangeError for what is damaged, of another process, or larger than `maxPixels`. */
export function decodeJpeg(data: Uint8Array, maxPixels: number): Jpeg {
  const tables: Tables = { quantization: new Map(), dc: new Map(), ac: new Map(), restartInterval: 0 };
  const frames: { frame: Frame; planes: Planes }[] = [];
  let transformed: boolean | null = null;
  const decoded = new Set<number>();
  if (data[0] !== 0xff || data[1] !== 0xd8) throw new RangeError("expected a JPEG image, found something else");
  for (let at = 2; ; ) {
    at = nextMarker(data, at);
    const marker = data[at + 1] ?? 0;
    if (marker === 0xd9) throw new RangeError("expected all components in a JPEG image");
    const length = word(data, at + 2);
    const segment = data.subarray(at + 4, at + 2 + length);
    if (length < 2 || segment.length !== length - 2) throw new RangeError("expected a whole JPEG image, found one that is cut off");
    at += 2 + length;
    if (marker === 0xc4) readHuffman(segment, tables);
    else if (marker === 0xdb) readQuantization(segment, tables);
    else if (marker === 0xdd) tables.restartInterval = word(segment, 0);
    else if (marker === 0xee && ADOBE.every((byte, index) => segment[index] === byte)) transformed = (segment[11] ?? 0) !== 0;
    else if (marker === 0xda) {
      const [started] = frames;
      if (!started) throw new RangeError("expected a JPEG frame before its scan");
      const { frame, planes } = started;
      const reader = new BitReader(data, at);
      const scan = readScan(segment, frame);
      planes.scan(reader, scan, tables);
      for (const { index } of scan.components) decoded.add(index);
      // What may follow the last scan is of no use.
      if (decoded.size === frame.components.length) {
        const { width, height, precision, components } = frame;
        return { width, height, precision, components: components.length, values: planes.values(), transformed };
      }
      at = reader.position;
    } else if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xcc) {
      if (frames.length > 0) throw new RangeError("expected one JPEG frame, found two");
      const frame = readFrame(segment, SOF[marker], maxPixels);
      frames.push({ frame, planes: frame.kind === "lossless" ? decodeLossless(frame) : decodeSequential(frame) });
    }
  }
}

function readFrame(segment: Uint8Array, kind: Frame["kind"] | undefined, maxPixels: number): Frame {
  if (!kind) throw new RangeError("expected a sequential or lossless JPEG, found another process");
  const precision = segment[0] ?? 0;
  const [height, width, count] = [word(segment, 1), word(segment, 3), segment[5] ?? 0];
  const good = kind === "lossless" ? precision >= 2 && precision <= 16 : precision === 8 || precision === 12;
  if (!good) throw new RangeError(`expected a JPEG of 8 or 12 bits, lossless of 2 to 16, found ${precision}`);
  if (width === 0 || height === 0 || width * height > maxPixels) {
    throw new RangeError(`expected a JPEG of 1 to ${maxPixels} pixels, found ${width} × ${height}`);
  }
  if (![1, 3, 4].includes(count) || segment.length < 6 + 3 * count) throw new RangeError("expected 1, 3 or 4 components in a JPEG");
  const components = Array.from({ length: count }, (_, index) => {
    const [id = 0, factors = 0, quantization = 0] = segment.subarray(6 + 3 * index);
    const [h, v] = [factors >> 4, factors & 15];
    if (h < 1 || h > 4 || v < 1 || v > 4) throw new RangeError("expected JPEG sampling factors of 1 to 4");
    return { id, h, v, quantization };
  });
  return { kind, precision, width, height, components };
}

function readScan(segment: Uint8Array, frame: Frame): Scan {
  const count = segment[0] ?? 0;
  if (segment.length < 4 + 2 * count || count < 1) throw new RangeError("expected a whole JPEG scan header");
  const components = Array.from({ length: count }, (_, at) => {
    const [id = 0, tables = 0] = segment.subarray(1 + 2 * at);
    const index = frame.components.findIndex((component) => component.id === id);
    if (index < 0) throw new RangeError("expected the components of the frame in a JPEG scan");
    return { index, dc: tables >> 4, ac: tables & 15 };
  });
  return { components, start: segment[1 + 2 * count] ?? 0, shift: (segment[3 + 2 * count] ?? 0) & 15 };
}

function readHuffman(segment: Uint8Array, { dc, ac }: Tables): void {
  for (let at = 0; at < segment.length; ) {
    const kind = segment[at] ?? 0;
    const counts = segment.subarray(at + 1, at + 17);
    const total = counts.reduce((sum, count) => sum + count, 0);
    if (counts.length < 16 || total > 256) throw new RangeError("expected a whole Huffman table");
    (kind >> 4 === 0 ? dc : ac).set(kind & 15, huffmanTable(counts, segment.subarray(at + 17, at + 17 + total)));
    at += 17 + total;
  }
}

function readQuantization(segment: Uint8Array, { quantization }: Tables): void {
  for (let at = 0; at < segment.length; ) {
    const kind = segment[at] ?? 0;
    const wide = kind >> 4 !== 0;
    const size = wide ? 128 : 64;
    if (at + 1 + size > segment.length) throw new RangeError("expected a whole quantization table");
    const start = at + 1;
    quantization.set(kind & 15, Uint16Array.from({ length: 64 }, (_, index) => (wide ? word(segment, start + 2 * index) : (segment[start + index] ?? 1))));
    at += 1 + size;
  }
}

function nextMarker(data: Uint8Array, from: number): number {
  for (let at = from; at + 1 < data.length; at++) {
    const next = data[at + 1] ?? 0;
    const restart = next >= 0xd0 && next <= 0xd7;
    if (data[at] === 0xff && next !== 0 && next !== 0xff && !restart) return at;
  }
  throw new RangeError("expected a whole JPEG image, found one that is cut off");
}

const word = (data: Uint8Array, at: number): number => ((data[at] ?? 0) << 8) | (data[at + 1] ?? 0);
