/** Files whose values are more than a browser shows, by their first bytes. */

export type StoredFormat = "dicom" | "deep-png" | "tiff";

/** Bytes that `storedFormat` looks at. */
export const HEAD_BYTES = 132;
const DICM = [0x44, 0x49, 0x43, 0x4d];
const DICM_AT = 128;
const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const TIFF = [
  [0x49, 0x49, 0x2a, 0],
  [0x4d, 0x4d, 0, 0x2a],
];
/** Bit depth, colour type and interlacing of a PNG (PNG, section 11.2.1): grey of 16 bits, without interlacing. */
const DEEP_GREY: readonly (readonly [at: number, value: number])[] = [[24, 16], [25, 0], [28, 0]];

/** Null for what the browser itself shows, or nothing does. DICOM is looked for first, whatever its preamble holds. */
export function storedFormat(head: Uint8Array): StoredFormat | null {
  if (DICM.every((byte, index) => head[DICM_AT + index] === byte)) return "dicom";
  const deep = PNG.every((byte, index) => head[index] === byte) && DEEP_GREY.every(([at, value]) => head[at] === value);
  if (deep) return "deep-png";
  return TIFF.some((magic) => magic.every((byte, index) => head[index] === byte)) ? "tiff" : null;
}

/** Whether files of a media type hold more than a browser shows: always, or so seldom that it is looked for when it matters. */
export function storedMediaType(mediaType: string): "always" | "when-asked" | null {
  return mediaType === "application/dicom" ? "always" : mediaType === "image/png" ? "when-asked" : null;
}
