/** What every file goes through before it leaves the page. */

import { isGzip, isNifti, KIND_BYTES, pictureEnding } from "../picture-kinds";
import { hex, sha256 } from "../bytes";
import type { Deidentified, Report } from "./deidentify";
import { DicomError } from "./dicom-error";
import type { Identity, Originals } from "./identity-map";

export const MEDIA_TYPE = "application/dicom";
const PREAMBLE_BYTES = 128;
const HEAD_BYTES = PREAMBLE_BYTES + 4;
const LONGEST_FIRST_ELEMENT = 64;
/** Of a DICOM file of several frames, which is in memory as a whole, in MiB. */
const MAX_FILE_MIB = 192;
const DEPTHS = [1, 8, 16];
const VOLUME =
  "`scanproof classify` reads volumes slice by slice, but nothing records them: choose the DICOM series that it was made of, or its slices as PNG files. It stays on this computer.";

/** A file that is no image: it stays in the page. The message is for people. */
export class NoImage extends Error {}

export interface Prepared {
  file: File;
  /** What was removed of a DICOM file; null for any other file, which stays as it is. */
  removed: Report | null;
  /** Whether the server can make places of the picture black. */
  maskable: boolean;
  /** What the sender's map has of it; null for a file without identifiers. */
  originals: Originals | null;
}

/** A slice as it leaves the page: its name says nothing of the file's own. */
export interface Slice {
  name: string;
  content: Uint8Array<ArrayBuffer>;
  /** Of a file of several, from 0. */
  frame: number | null;
}

/** What a DICOM file says of its place in a study, after de-identification. */
export type Place = Pick<Deidentified, "patient" | "series" | "description" | "likeness" | "unchanged">;

/** A file of a study. */
export interface PreparedSlices {
  /** Null for other formats. */
  place: Place | null;
  /** Null for a file without identifiers. */
  identity: Identity | null;
  /** The file itself, or a file for each frame; made when they are asked for. Raises DicomError. */
  slices: () => AsyncGenerator<Slice, void>;
}

/** A DICOM file without identifiers, under its new UID, since its own name may be a person's. Raises DicomError, NoImage. */
export async function prepare(file: File): Promise<Prepared> {
  const head = new Uint8Array(await file.slice(0, KIND_BYTES).arrayBuffer());
  if (!isDicom(head)) {
    checkedEnding(head);
    return { file, removed: null, maskable: true, originals: null };
  }
  checkSize(file.size);
  const made = await withoutIdentifiers(new Uint8Array(await file.arrayBuffer()));
  const identity = await identityIn(made);
  return {
    file: new File([made.content], nameOf(made), { type: MEDIA_TYPE }),
    removed: made.report,
    maskable: !made.compressed,
    originals: identity && { ...identity, files: [hex(await sha256(made.content))] },
  };
}

/** The same for a file of a study, in memory; `number` is its place among them, from 1. Raises DicomError, NoImage. */
export async function prepareSlices(content: Uint8Array<ArrayBuffer>, number: number): Promise<PreparedSlices> {
  if (!isDicom(content)) {
    const name = `slice-${String(number).padStart(4, "0")}.${checkedEnding(content)}`;
    return { place: null, identity: null, slices: () => only({ name, content, frame: null }) };
  }
  checkSize(content.length);
  const made = await withoutIdentifiers(content);
  return {
    place: made,
    identity: await identityIn(made),
    slices: () => (made.frames > 1 ? frames(made.file) : only({ name: nameOf(made), content: made.content, frame: null })),
  };
}

/** Whether a file is DICOM of several frames. */
export async function hasFrames(file: Blob): Promise<boolean> {
  if (!isDicom(new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer()))) return false;
  if (file.size > MAX_FILE_MIB * 1024 ** 2) return false;
  const { countFrames } = await import("./frames");
  return (await countFrames(file)) > 1;
}

// eslint-disable-next-line @typescript-eslint/require-await -- as `frames`, which waits
async function* only(slice: Slice): AsyncGenerator<Slice, void> {
  yield slice;
}

async function* frames(file: Deidentified["file"]): AsyncGenerator<Slice, void> {
  const { framesOf } = await import("./frames");
  let frame = 0;
  for await (const { instance, content: one } of framesOf(file)) {
    yield { name: `${instance}.dcm`, content: one, frame };
    frame += 1;
  }
}

function checkedEnding(head: Uint8Array): string {
  const ending = pictureEnding(head);
  if (ending) return ending;
  if (isNifti(head)) throw new NoImage(`This is a NIfTI volume. ${VOLUME}`);
  if (isGzip(head)) throw new NoImage(`This is a compressed file (gzip), such as a NIfTI volume. ${VOLUME}`);
  throw new NoImage("This is neither DICOM nor PNG, JPEG, TIFF, BMP or WebP. It stays on this computer.");
}

function checkSize(size: number): void {
  if (size > MAX_FILE_MIB * 1024 ** 2) throw new DicomError(`expected a DICOM file of at most ${MAX_FILE_MIB} MiB, found a larger one`);
}

/** Null for a file without identifiers or without a study, and where they are in an alphabet that cannot be read. */
async function identityIn({ source, uids, unchanged }: Deidentified): Promise<Identity | null> {
  if (unchanged) return null;
  const { identityOf } = await import("./identity-map");
  try {
    const identity = identityOf(source, uids);
    return identity.study ? identity : null;
  } catch (error) {
    if (error instanceof DicomError) return null;
    throw error;
  }
}

function nameOf({ instance }: Deidentified): string {
  return `${instance}.dcm`;
}

/** Loaded when a file needs it: the table of rules is large. */
async function withoutIdentifiers(content: Uint8Array<ArrayBuffer>): Promise<Deidentified> {
  const [{ deidentify }, { senderKey }, { checkSquare }] = await Promise.all([
    import("./deidentify"),
    import("./sender-key"),
    import("./square-pixels"),
  ]);
  const made = await deidentify(content, await senderKey());
  checkSquare(made.file.dataSet);
  if (!DEPTHS.includes(made.bits)) {
    throw new DicomError(`expected pixels of 1, 8 or 16 bits, found ${made.bits} bits, as doses and maps of parameters have`);
  }
  return made;
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
