/** What a file is by its first bytes. */

const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** The formats of pictures that the server reads beside DICOM, with their first bytes; null stands for any byte. */
const PICTURES: readonly (readonly [ending: string, magic: readonly (number | null)[]])[] = [
  ["png", PNG],
  ["jpg", [0xff, 0xd8, 0xff]],
  ["tif", [0x49, 0x49, 0x2a, 0]],
  ["tif", [0x4d, 0x4d, 0, 0x2a]],
  ["tif", [0x49, 0x49, 0x2b, 0]],
  ["tif", [0x4d, 0x4d, 0, 0x2b]],
  ["bmp", [0x42, 0x4d]],
  ["webp", [0x52, 0x49, 0x46, 0x46, null, null, null, null, 0x57, 0x45, 0x42, 0x50]],
];
const NIFTI_AT = 344;
const NIFTI = [
  [0x6e, 0x2b, 0x31, 0],
  [0x6e, 0x69, 0x31, 0],
];
const NIFTI_2_AT = 4;
const NIFTI_2 = [0x6e, 0x2b, 0x32, 0, 0x0d, 0x0a, 0x1a, 0x0a];

/** Bytes that tell all kinds from each other. */
export const KIND_BYTES = NIFTI_AT + 4;

/** The ending of a picture's file name; null for what is no picture. */
export function pictureEnding(head: Uint8Array): string | null {
  const found = PICTURES.find(([, magic]) => magic.every((byte, place) => byte === null || head[place] === byte));
  return found ? found[0] : null;
}

/** Whether a file begins as a NIfTI volume that is not compressed. */
export function isNifti(head: Uint8Array): boolean {
  const first = NIFTI.some((magic) => magic.every((byte, place) => head[NIFTI_AT + place] === byte));
  return first || NIFTI_2.every((byte, place) => head[NIFTI_2_AT + place] === byte);
}

export function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}
