/** Pixel data without what may hide beside the picture, as in `backend/adapters/dicom/pixels.py`. */

import { textOf, type DataSet, type Element } from "./elements";
import type { TransferSyntax } from "./rules";
import { clean } from "./streams";
import { littleEndian, viewOf } from "./values";

const FLOATS = new Map([
  [0x7fe00008, 4],
  [0x7fe00009, 8],
]);
export const SUBSAMPLED = "YBR_FULL_422";

/** The attributes that describe the bytes of pixel data; 0 where one is missing. */
export interface PixelFacts {
  pixels: number;
  samples: number;
  allocated: number;
  stored: number;
  highBit: number;
  signed: boolean;
  frames: number;
  photometric: string;
}

export function factsOf(dataSet: DataSet): PixelFacts {
  const number = (tag: number): number => {
    const element = dataSet.get(tag);
    return element?.value.length === 2 ? viewOf(element.value).getUint16(0, !element.bigEndian) : 0;
  };
  const frames = textOf(dataSet.get(0x00280008));
  return {
    pixels: number(0x00280010) * number(0x00280011),
    samples: number(0x00280002) || 1,
    allocated: number(0x00280100),
    stored: number(0x00280101),
    highBit: number(0x00280102),
    signed: number(0x00280103) === 1,
    frames: /^\d{1,7}$/.test(frames) ? Number(frames) : 1,
    photometric: textOf(dataSet.get(0x00280004)),
  };
}

/**
 * The values of native pixel data in little endian, and whether there was anything beside them (PS3.5, section 8). Bits
 * that are not stored are cleared; those above a negative value are set, as its sign.
 */
export function native(element: Element, facts: PixelFacts): [value: Uint8Array, changed: boolean] {
  const float = FLOATS.get(element.tag);
  const size = float ?? Math.max(Math.floor(facts.allocated / 8), 1);
  let value = element.value;
  if (element.bigEndian) value = littleEndian(value, size === 1 && element.vr !== "OB" ? 2 : size);
  const kept = value.subarray(0, pictureBytes(facts, value.length, float ? 8 * float : facts.allocated));
  const rest = value.subarray(kept.length);
  const cut = rest.length > 1 || rest.some(Boolean);
  if (float) return [kept, cut];
  const [stored, changed] = onlyStored(kept, facts);
  return [stored, cut || changed];
}

/** The offset table and the fragments, and whether there was anything beside the picture (PS3.5, section A.4). */
export function encapsulated(
  [offsets = new Uint8Array(), ...fragments]: Uint8Array[],
  syntax: TransferSyntax,
  facts: PixelFacts,
): [fragments: Uint8Array[], changed: boolean] {
  const [cleared, changed] = clean(syntax.stream ?? "", fragments, facts.pixels);
  const starts = new Set(startsOf(fragments));
  const view = viewOf(offsets);
  let known = offsets.length % 4 === 0;
  for (let place = 0; known && place < offsets.length; place += 4) known = starts.has(view.getUint32(place, true));
  const kept = known ? offsets : new Uint8Array();
  return [[kept, ...cleared], changed || kept.length !== offsets.length];
}

/** Whether an Extended Offset Table and its lengths are those of the fragments (PS3.3, section C.7.6.3.1.8). */
export function areExtendedOffsets(table: Uint8Array, lengths: Uint8Array, [, ...fragments]: Uint8Array[]): boolean {
  if (table.length !== 8 * fragments.length || lengths.length !== table.length) return false;
  const starts = startsOf(fragments);
  return fragments.every((fragment, place) => {
    const length = viewOf(lengths).getBigUint64(8 * place, true);
    const start = viewOf(table).getBigUint64(8 * place, true);
    return start === BigInt(starts[place] ?? 0) && length >= fragment.length - 1 && length <= fragment.length;
  });
}

/** Where each fragment's item begins, from the first one on. */
export function startsOf(fragments: Uint8Array[]): number[] {
  let position = 0;
  return fragments.map((fragment) => {
    const start = position;
    position += 8 + fragment.length;
    return start;
  });
}

/** The bytes of all frames. A picture with half as many colours as pixels may still be stored with all of them. */
function pictureBytes({ pixels, frames, samples, photometric }: PixelFacts, length: number, bits: number): number {
  let values = pixels * frames * samples;
  if (photometric === SUBSAMPLED && length < Math.floor((values * bits) / 8)) values = Math.floor(values / 3) * 2;
  return Math.floor((values * bits + 7) / 8);
}

function onlyStored(value: Uint8Array, facts: PixelFacts): [value: Uint8Array, changed: boolean] {
  const { allocated, stored, highBit, signed } = facts;
  if (![8, 16, 32].includes(allocated) || stored <= 0 || stored >= allocated) return [value, false];
  if (highBit < stored - 1 || highBit >= allocated) return [value, false];
  const size = allocated / 8;
  const whole = value.subarray(0, value.length - (value.length % size));
  const ones = (bits: number) => 2 ** bits - 1;
  const mask = ones(highBit + 1) - ones(highBit + 1 - stored);
  const above = ones(allocated) - ones(highBit + 1);
  const clear = (number: number) => ((number & mask) | (signed && (number >>> highBit) & 1 ? above : 0)) >>> 0;
  const numbers = numbersOf(whole, size);
  // Most files have nothing there, and are not copied: those of many frames are large.
  if (numbers.every((number) => clear(number) === number)) return [whole, whole.length !== value.length];
  const kept = whole.slice();
  const cleared = numbersOf(kept, size);
  for (let place = 0; place < cleared.length; place++) cleared[place] = clear(cleared[place] ?? 0);
  return [kept, true];
}

/** Numbers of 1, 2 or 4 bytes, in the same memory where their place in it allows that. */
function numbersOf(bytes: Uint8Array, size: number): Uint8Array | Uint16Array | Uint32Array {
  if (size === 1) return bytes;
  const { buffer, byteOffset } = bytes.byteOffset % size ? bytes.slice() : bytes;
  return size === 2 ? new Uint16Array(buffer, byteOffset, bytes.length / 2) : new Uint32Array(buffer, byteOffset, bytes.length / 4);
}
