/**
 * The frames of a DICOM file, each as a file of its own, with the bytes that `backend/adapters/dicom/frames.py` gives:
 * the parts of a concatenation (PS3.3, section C.7.6.16.2.2.4).
 */

import { sha256 } from "../bytes";
import { DicomError } from "./dicom-error";
import { bytesOf, PIXEL_DATA, read, textOf, write, type DataSet, type DicomFile, type Element } from "./elements";
import { factsOf, startsOf, SUBSAMPLED, type PixelFacts } from "./pixels";
import { uuidUid } from "./replacement";
import { viewOf } from "./values";

export const MAX_FRAMES = 2_000;

/** What comes before the number of frames is seldom more; what comes behind may be hundreds of megabytes. */
const HEAD_BYTES = 256 * 1024;
const META_LENGTH = 0x00020000;
const META_INSTANCE = 0x00020003;
const INSTANCE = 0x00080018;
const FRAMES = 0x00280008;
const PER_FRAME = 0x52009230;
const CONCATENATION = 0x00209161;
const SOURCE = 0x00200242;
const NUMBER = 0x00209162;
const TOTAL = 0x00209163;
const OFFSET = 0x00209228;
/** Frame Time Vector, Frame Increment Pointer, Representative Frame Number, Extended Offset Table and its lengths. */
const OF_SEVERAL = [0x00181065, 0x00280009, 0x00286010, 0x7fe00001, 0x7fe00002];
/** With what the compressed data of a frame begin, by codec. */
const STARTS: Record<string, number[][]> = {
  jpeg: [[0xff, 0xd8]],
  jpeg2000: [
    [0xff, 0x4f, 0xff, 0x51],
    [0, 0, 0, 0x0c, 0x6a, 0x50, 0x20, 0x20],
  ],
};

/** How many frames a DICOM file says that it has; 1 for what cannot be read, which others refuse by its reason. */
export async function countFrames(file: Blob): Promise<number> {
  try {
    return await framesIn(file.slice(0, HEAD_BYTES));
  } catch {
    return framesIn(file).catch(() => 1);
  }
}

async function framesIn(file: Blob): Promise<number> {
  const { dataSet } = await read(new Uint8Array(await file.arrayBuffer()), FRAMES);
  return factsOf(dataSet).frames;
}

type Whole = Pick<DicomFile, "meta" | "dataSet" | "syntax">;

export interface Frame {
  /** The SOP Instance UID. */
  instance: string;
  content: Uint8Array<ArrayBuffer>;
}

/**
 * A file for each frame of a de-identified file, one after the other. Raises DicomError where the frames cannot be told
 * from each other, and for more than MAX_FRAMES.
 */
export async function* framesOf(file: Whole): AsyncGenerator<Frame, void> {
  const facts = factsOf(file.dataSet);
  const { frames } = facts;
  if (frames < 1 || frames > MAX_FRAMES) {
    throw new DicomError(`expected a DICOM file of at most ${MAX_FRAMES} frames, found ${frames}`);
  }
  const element = file.dataSet.get(PIXEL_DATA);
  if (!element) throw new DicomError("expected a DICOM file with integer pixels, found none");
  const partOf = element.fragments ? compressed(element.fragments, file, frames) : native(element, facts);
  for (let number = 0; number < frames; number += 1) yield await frameFile(file, partOf(number), number, frames);
}

async function frameFile(file: Whole, part: Partial<Element>, number: number, frames: number): Promise<Frame> {
  const whole = textOf(file.dataSet.get(INSTANCE));
  const instance = await derived("frame", whole, number);
  const made: DataSet = new Map(file.dataSet);
  for (const tag of OF_SEVERAL) made.delete(tag);
  const put = (tag: number, vr: string, value: Uint8Array) => made.set(tag, { tag, vr, value });
  put(INSTANCE, "UI", bytesOf(instance));
  put(FRAMES, "IS", bytesOf("1"));
  put(SOURCE, "UI", bytesOf(whole));
  put(CONCATENATION, "UI", bytesOf(await derived("concatenation", whole, 0)));
  put(NUMBER, "US", whole16(number + 1));
  put(TOTAL, "US", whole16(frames));
  put(OFFSET, "UL", new Uint8Array([...whole16(number), 0, 0]));
  made.set(PIXEL_DATA, { tag: PIXEL_DATA, vr: "OB", value: new Uint8Array(), ...part });
  const groups = made.get(PER_FRAME);
  const own = groups?.items?.[number];
  if (groups && own) made.set(PER_FRAME, { ...groups, items: [own] });
  else made.delete(PER_FRAME);
  const meta: DataSet = new Map(file.meta);
  meta.delete(META_LENGTH);
  meta.set(META_INSTANCE, { tag: META_INSTANCE, vr: "UI", value: bytesOf(instance) });
  return { instance, content: write(ordered(meta), ordered(made)) };
}

function ordered(elements: DataSet): Element[] {
  return [...elements.values()].sort((one, other) => one.tag - other.tag);
}

async function derived(purpose: string, whole: string, number: number): Promise<string> {
  return uuidUid(await sha256(bytesOf(`${purpose}\0${whole}\0${number}`)));
}

function whole16(number: number): Uint8Array {
  return new Uint8Array([number & 0xff, number >> 8]);
}

/** The values of each frame. Those of one bit are packed without regard to bytes (PS3.5, section 8.1.1). */
function native({ vr, value }: Element, facts: PixelFacts): (number: number) => Partial<Element> {
  const { pixels, samples, allocated, frames, photometric } = facts;
  let values = pixels * samples;
  if (photometric === SUBSAMPLED && 8 * value.length < values * frames * allocated) values = Math.floor(values / 3) * 2;
  const bits = values * allocated;
  if (!bits || 8 * value.length < bits * frames) {
    throw new DicomError(`expected the pixels of ${frames} frames in a DICOM file, found fewer`);
  }
  if (bits % 8) return (number) => ({ vr, value: bitsOf(value, bits * number, bits) });
  const size = bits / 8;
  return (number) => ({ vr, value: value.subarray(size * number, size * (number + 1)) });
}

/** `count` bits from `start` on; the first one of a byte is its lowest. */
function bitsOf(value: Uint8Array, start: number, count: number): Uint8Array {
  const found = new Uint8Array(Math.ceil(count / 8));
  for (let place = 0; place < count; place += 1) {
    const from = start + place;
    const bit = ((value[from >> 3] ?? 0) >> (from & 7)) & 1;
    found[place >> 3] = (found[place >> 3] ?? 0) | (bit << (place & 7));
  }
  return found;
}

/** The fragments of each frame: one for each, else by the offset table, else by how the codec's data begin. */
function compressed(
  [offsets = new Uint8Array(), ...parts]: Uint8Array[],
  { syntax }: Whole,
  frames: number,
): (number: number) => Partial<Element> {
  let firsts: number[];
  if (parts.length === frames) {
    firsts = [...parts.keys()];
  } else if (offsets.length === 4 * frames) {
    const places = new Map(startsOf(parts).map((start, place) => [start, place]));
    const view = viewOf(offsets);
    firsts = Array.from({ length: frames }, (_, number) => places.get(view.getUint32(4 * number, true)) ?? -1);
  } else {
    const magics = STARTS[syntax.stream ?? ""] ?? [];
    const begins = (part: Uint8Array) => magics.some((magic) => magic.every((byte, place) => part[place] === byte));
    firsts = [...parts.keys()].filter((place) => begins(parts[place] ?? new Uint8Array()));
  }
  const rising = firsts.every((first, place) => (place === 0 ? first === 0 : first > (firsts[place - 1] ?? 0)));
  if (firsts.length !== frames || !rising) {
    throw new DicomError(`expected the compressed data of ${frames} frames in a DICOM file, found others`);
  }
  return (number) => ({ vr: "OB", fragments: [new Uint8Array(), ...parts.slice(firsts[number], firsts[number + 1])] });
}
