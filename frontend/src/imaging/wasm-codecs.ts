/** JPEG 2000 by OpenJPEG and JPEG-LS by CharLS, as WebAssembly: each is loaded when a file needs it. */

import charls from "@cornerstonejs/codec-charls/decodewasm?url";
import openjpeg from "@cornerstonejs/codec-openjpeg/decodewasm?url";

interface FrameInfo {
  width: number;
  height: number;
  bitsPerSample: number;
  componentCount: number;
  isSigned?: boolean;
}

interface Decoder {
  getEncodedBuffer(length: number): Uint8Array;
  getDecodedBuffer(): Uint8Array;
  decode(): void;
  getFrameInfo(): FrameInfo;
  getInterleaveMode?(): number;
  delete(): void;
}

interface Codec {
  J2KDecoder: new () => Decoder;
  JpegLSDecoder: new () => Decoder;
}

export type Start = (options: { locateFile: () => string }) => Promise<Codec>;

export interface Decoded extends FrameInfo {
  /** One or two bytes a value, the least significant first; all components of a pixel after each other. */
  bytes: Uint8Array;
}

/** Raises RangeError for what is damaged or larger than `maxPixels`. */
export async function decodeJpeg2000(data: Uint8Array, maxPixels: number): Promise<Decoded> {
  checkSize(data, J2K_SIZE, maxPixels);
  const { default: start } = await import("@cornerstonejs/codec-openjpeg/decodewasmjs");
  const { J2KDecoder } = await start({ locateFile: () => openjpeg });
  return decode(new J2KDecoder(), data);
}

export async function decodeJpegLs(data: Uint8Array, maxPixels: number): Promise<Decoded> {
  checkSize(data, JPEG_LS_SIZE, maxPixels);
  const { default: start } = await import("@cornerstonejs/codec-charls/decodewasmjs");
  const { JpegLSDecoder } = await start({ locateFile: () => charls });
  return decode(new JpegLSDecoder(), data);
}

/** Up to the last of the numbers that are read. */
const HEADER_BYTES = 22;
/** Marker of the segment with the size, and where height and width are in it: bytes from the marker on. */
const J2K_SIZE: Header = { marker: 0x51, width: 6, height: 10, origin: 8, bytes: 4 };
const JPEG_LS_SIZE: Header = { marker: 0xf7, width: 7, height: 5, origin: 0, bytes: 2 };

/** `origin`: how far behind each the offset of the image is that is taken off, 0 where there is none. */
interface Header {
  marker: number;
  width: number;
  height: number;
  origin: number;
  bytes: 2 | 4;
}

/** Before the codec allocates anything. */
function checkSize(data: Uint8Array, { marker, bytes, origin, ...places }: Header, maxPixels: number): void {
  const start = data.findIndex((byte, at) => byte === 0xff && data[at + 1] === marker);
  const view = new DataView(data.buffer, data.byteOffset + Math.max(start, 0));
  const number = (at: number) => (bytes === 4 ? view.getUint32(at) : view.getUint16(at));
  if (start < 0 || view.byteLength < HEADER_BYTES) throw new RangeError("expected a whole compressed image, found one without a size");
  const [width, height] = [places.width, places.height].map((at) => number(at) - (origin > 0 ? number(at + origin) : 0)) as [number, number];
  if (!(width > 0 && height > 0 && width * height <= maxPixels)) {
    throw new RangeError(`expected an image of 1 to ${maxPixels} pixels, found ${width} × ${height}`);
  }
}

function decode(decoder: Decoder, data: Uint8Array): Decoded {
  try {
    decoder.getEncodedBuffer(data.length).set(data);
    decoder.decode();
    const { width, height, bitsPerSample, componentCount, isSigned } = decoder.getFrameInfo();
    const bytes = decoder.getDecodedBuffer().slice();
    const planar = componentCount > 1 && decoder.getInterleaveMode?.() === 0;
    return { width, height, bitsPerSample, componentCount, isSigned, bytes: planar ? interleave(bytes, componentCount) : bytes };
  } catch {
    // The codecs throw numbers.
    throw new RangeError("expected a whole compressed image, found one that cannot be decoded");
  } finally {
    decoder.delete();
  }
}

function interleave(planes: Uint8Array, count: number): Uint8Array {
  const pixels = planes.length / count;
  return Uint8Array.from(planes, (_, at) => planes[(at % count) * pixels + Math.floor(at / count)] ?? 0);
}
