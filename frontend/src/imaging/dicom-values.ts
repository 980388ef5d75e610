/** The values of a frame of a DICOM file, as they were stored. Source: PS3.5, section 8; PS3.3, C.7.6.3.1. */

import * as dicomParser from "dicom-parser";
import { joined } from "../bytes";
import type { DicomFile } from "./dicom-file";

export interface FrameValues {
  /** All samples of a pixel after each other, row by row. */
  values: Uint16Array<ArrayBuffer> | Int16Array<ArrayBuffer>;
  /** Whether colours are YCbCr and are still to be converted. */
  ybr: boolean;
}

/** Raises RangeError for a frame that is damaged or not there. */
export async function frameValues(file: DicomFile, frame: number): Promise<FrameValues> {
  if (!Number.isInteger(frame) || frame < 0 || frame >= file.frames) {
    throw new RangeError(`expected a frame from 0 to ${file.frames - 1}, found ${frame}`);
  }
  // No codec may allocate more than the file says.
  const pixels = file.rows * file.columns;
  const ybr = file.photometric === "YBR_FULL" || file.photometric === "YBR_FULL_422";
  switch (file.coding) {
    case "native":
      return { values: inBits(file, nativeValues(file, frame), file.stored), ybr };
    case "rle": {
      const { decodeRle } = await import("./rle");
      const width = file.allocated / 8;
      const bytes = decodeRle(compressed(file, frame), pixels, file.samples, width);
      return { values: inBits(file, littleEndian(bytes, width), file.stored), ybr };
    }
    case "jpeg": {
      const { decodeJpeg } = await import("./jpeg");
      const { values, transformed, ...found } = decodeJpeg(compressed(file, frame), pixels);
      checkSize(file, found.width, found.height, found.components);
      return { values: inBits(file, values, file.stored), ybr: transformed ?? ybr };
    }
    case "jpeg-ls":
    case "jpeg-2000": {
      const { decodeJpegLs, decodeJpeg2000 } = await import("./wasm-codecs");
      const decode = file.coding === "jpeg-ls" ? decodeJpegLs : decodeJpeg2000;
      const found = await decode(compressed(file, frame), pixels);
      checkSize(file, found.width, found.height, found.componentCount);
      if (found.bitsPerSample > 16) throw new RangeError(`expected at most 16 bits in a DICOM picture, found ${found.bitsPerSample}`);
      const values = littleEndian(found.bytes, found.bitsPerSample > 8 ? 2 : 1);
      // Where codestream and file disagree on the sign, the bits are right.
      return { values: inBits(file, values, found.bitsPerSample), ybr };
    }
  }
}

function checkSize({ rows, columns, samples }: DicomFile, width: number, height: number, components: number): void {
  if (width !== columns || height !== rows || components !== samples) {
    throw new RangeError(`expected a compressed picture of ${columns} × ${rows} × ${samples} as the file says, found ${width} × ${height} × ${components}`);
  }
}

/** Without the bits above those that are stored, which may hold overlays, and with the sign. */
function inBits({ signed }: DicomFile, values: Uint16Array<ArrayBuffer>, bits: number): FrameValues["values"] {
  const shift = 32 - bits;
  if (!signed) return bits === 16 ? values : values.map((value) => value & ((1 << bits) - 1));
  return Int16Array.from(values, (value) => (value << shift) >> shift);
}

function littleEndian(bytes: Uint8Array, width: number): Uint16Array<ArrayBuffer> {
  if (width === 1) return Uint16Array.from(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Uint16Array.from({ length: bytes.length >> 1 }, (_, index) => view.getUint16(2 * index, true));
}

function compressed({ dataSet, pixels, frames }: DicomFile, frame: number): Uint8Array {
  const fragments = pixels.fragments ?? [];
  const table = pixels.basicOffsetTable ?? [];
  const part = ({ position, length }: { position: number; length: number }) => (dataSet.byteArray as Uint8Array).subarray(position, position + length);
  if (frames === 1) return joined(fragments.map(part));
  if (fragments.length === frames) return part(fragments[frame] ?? { position: 0, length: 0 });
  if (table.length === frames) {
    const [from = 0, to = Infinity] = table.slice(frame, frame + 2);
    return joined(fragments.filter(({ offset }) => offset >= from && offset < to).map(part));
  }
  const offsets = dicomParser.createJPEGBasicOffsetTable(dataSet, pixels);
  return dicomParser.readEncapsulatedImageFrame(dataSet, pixels, frame, offsets) as Uint8Array;
}

function nativeValues(file: DicomFile, frame: number): Uint16Array<ArrayBuffer> {
  const { rows, columns, samples, allocated, photometric } = file;
  const halved = photometric === "YBR_FULL_422";
  const count = rows * columns * (halved ? 2 : samples);
  const bytes = nativeBytes(file);
  if (allocated === 1) {
    const first = frame * count;
    if (bytes.length * 8 < first + count) throw cutOff(file);
    return Uint16Array.from({ length: count }, (_, at) => ((bytes[(first + at) >> 3] ?? 0) >> ((first + at) & 7)) & 1);
  }
  const width = allocated / 8;
  const stored = bytes.subarray(frame * count * width, (frame + 1) * count * width);
  if (stored.length < count * width) throw cutOff(file);
  const values = width === 2 && file.bigEndian ? littleEndian(swapped(stored), 2) : littleEndian(stored, width);
  if (halved) return fullColours(values);
  return file.planar && samples === 3 ? interleaved(values) : values;
}

const cutOff = ({ frames }: DicomFile): RangeError => new RangeError(`expected the pixels of ${frames} frames in a DICOM file, found fewer`);

/** Bytes in words of a big-endian file are swapped with them (PS3.5, section 7.3). */
function nativeBytes({ dataSet, pixels, bigEndian, allocated }: DicomFile): Uint8Array {
  const bytes = (dataSet.byteArray as Uint8Array).subarray(pixels.dataOffset, pixels.dataOffset + pixels.length);
  return bigEndian && allocated <= 8 && pixels.vr === "OW" ? swapped(bytes) : bytes;
}

const swapped = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes, (_, at) => bytes[at ^ 1] ?? 0);

/** Two luminances share their colour differences (PS3.3, C.7.6.3.1.2). */
function fullColours(values: Uint16Array<ArrayBuffer>): Uint16Array<ArrayBuffer> {
  return Uint16Array.from({ length: (values.length / 2) * 3 }, (_, at) => {
    const pixel = Math.floor(at / 3);
    const pair = (pixel >> 1) * 4;
    return values[at % 3 === 0 ? pair + (pixel & 1) : pair + 1 + (at % 3)] ?? 0;
  });
}

function interleaved(values: Uint16Array<ArrayBuffer>): Uint16Array<ArrayBuffer> {
  const plane = values.length / 3;
  return Uint16Array.from(values, (_, at) => values[(at % 3) * plane + Math.floor(at / 3)] ?? 0);
}
