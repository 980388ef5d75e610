/** What every file goes through before it leaves the page. */

import type { Deidentified, Report } from "./deidentify";

export const MEDIA_TYPE = "application/dicom";
const PREAMBLE_BYTES = 128;
const HEAD_BYTES = PREAMBLE_BYTES + 4;
const LONGEST_FIRST_ELEMENT = 64;

export interface Prepared {
  file: File;
  /** What was removed of a DICOM file; null for any other file, which stays as it is. */
  removed: Report | null;
}

/** A DICOM file without identifiers, under its new UID, since its own name may be a person's. Raises DicomError. */
export async function prepare(file: File): Promise<Prepared> {
  if (!isDicom(new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer()))) return { file, removed: null };
  const made = await withoutIdentifiers(new Uint8Array(await file.arrayBuffer()));
  return {
    file: new File([made.content], `${made.instance}.dcm`, { type: MEDIA_TYPE }),
    removed: made.report,
  };
}

/** Loaded when a file needs it: the table of rules is large. */
async function withoutIdentifiers(content: Uint8Array<ArrayBuffer>): Promise<Deidentified> {
  const [{ deidentify }, { senderKey }] = await Promise.all([import("./deidentify"), import("./sender-key")]);
  return deidentify(content, await senderKey());
}

/**
 * Whether a file begins as DICOM does (PS3.10, section 7.1), or as a data set without preamble, as in old files: with a
 * short element of the first groups.
 */
export function isDicom(head: Uint8Array): boolean {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (head.length >= HEAD_BYTES && view.getUint32(PREAMBLE_BYTES) === 0x4449434d) return true;
  if (head.length < 8) return false;
  const [little, big] = [view.getUint16(0, true), view.getUint16(0)];
  if (![little, big].some((group) => group === 2 || group === 8)) return false;
  const swapped = little !== 2 && little !== 8;
  const letters = [head[4] ?? 0, head[5] ?? 0];
  const explicit = letters.every((letter) => letter >= 0x41 && letter <= 0x5a);
  const length = explicit ? view.getUint16(6, !swapped) : view.getUint32(4, !swapped);
  return view.getUint16(2, !swapped) < 256 && length <= LONGEST_FIRST_ELEMENT && (explicit || !swapped);
}
