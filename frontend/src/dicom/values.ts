/** What is kept of a value, as in `backend/adapters/dicom/values.py`: text only as numbers or terms. */

import { ATTRIBUTES, vocabulary, type Rule } from "./rules";

const DECIMAL = /^[+-]?(\d{1,7}(\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?$/;
const WHOLE = /^[+-]?\d{1,7}$/;
const LONGEST_NUMBER = 24;
const AGE = /^\d{3}[DWMY]$/;
const OLDEST = 90;
/** The bytes of a number, which change places between byte orders. */
const SIZES: Record<string, number> = {
  ...{ US: 2, SS: 2, AT: 2, OW: 2, UL: 4, SL: 4, FL: 4, OF: 4, OL: 4, FD: 8, OD: 8, OV: 8 },
};
const READERS: Record<string, (view: DataView, place: number) => number> = {
  US: (view, place) => view.getUint16(place, true),
  SS: (view, place) => view.getInt16(place, true),
  UL: (view, place) => view.getUint32(place, true),
  SL: (view, place) => view.getInt32(place, true),
  FL: (view, place) => view.getFloat32(place, true),
  FD: (view, place) => view.getFloat64(place, true),
};
const MOST_WHOLE = 1 << 24;
const LEAST_REAL = 1e-9;
const MOST_REAL = 1e9;
const SHORTEST_NAME = 6;

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A value of big-endian numbers of `size` bytes in little endian; a rest that is no number is left out. */
export function littleEndian(value: Uint8Array, size: number): Uint8Array {
  if (size === 1) return value;
  const swapped = value.slice(0, value.length - (value.length % size));
  for (let start = 0; start < swapped.length; start += size) swapped.subarray(start, start + size).reverse();
  return swapped;
}

export function numberBytes(vr: string): number {
  return SIZES[vr] ?? 1;
}

export function trimmed(text: string): string {
  return text.replace(/^ +| +$/g, "");
}

/** Decimal or whole numbers as text (DS, IS), of at most 7 digits before the point; null for anything else. */
export function numbers(rule: Rule, text: string): string | null {
  const pattern = rule.vr[0] === "DS" ? DECIMAL : WHOLE;
  const parts = text.split("\\").map(trimmed);
  const valid = parts.length <= mostOf(rule) && parts.every((part) => part.length <= LONGEST_NUMBER && pattern.test(part));
  return valid ? parts.join("\\") : null;
}

/** The terms of a closed vocabulary; null if one is not, unless the rule has a term for others. */
export function terms(rule: Rule, text: string): string | null {
  const known = vocabulary(rule.terms ?? "");
  let parts = text.split("\\").map(trimmed);
  const { otherwise } = rule;
  if (otherwise) parts = parts.slice(0, mostOf(rule)).map((part) => (known.has(part) ? part : otherwise));
  const valid = parts.every((part) => known.has(rule.ignoreCase ? part.toUpperCase() : part));
  return valid && parts.length <= mostOf(rule) ? parts.join("\\") : null;
}

/** The words of a description that the vocabulary has, in capitals. */
export function words(rule: Rule, text: string): string {
  const known = vocabulary("words");
  const found = text.toUpperCase().split(/[^A-Z0-9]+/).filter((word) => known.has(word));
  return found.slice(0, mostOf(rule)).join(" ");
}

/** An age (AS). Above 89 years few people are of one age: they are all 90. */
export function age(text: string): string | null {
  if (!AGE.test(text)) return null;
  return text.endsWith("Y") && Number(text.slice(0, 3)) > OLDEST ? `0${OLDEST}Y` : text;
}

/** Whether a value is at most `rule.most` plausible numbers, and no text in their place. */
export function binary(rule: Rule, vr: string, value: Uint8Array): boolean {
  const size = numberBytes(vr);
  const readNumber = READERS[vr];
  if (!readNumber || value.length % size || value.length / size > mostOf(rule) || isText(value)) return false;
  const view = viewOf(value);
  for (let place = 0; place < value.length; place += size) {
    const found = Math.abs(readNumber(view, place));
    const real = vr === "FL" || vr === "FD";
    if (real ? !(found === 0 || (found >= LEAST_REAL && found <= MOST_REAL)) : found >= MOST_WHOLE) return false;
  }
  return true;
}

/** Whether bytes that should be numbers are all printable ASCII. */
function isText(value: Uint8Array): boolean {
  return value.length >= SHORTEST_NAME && value.every((byte) => byte >= 0x20 && byte <= 0x7e);
}

/** Whether a value is at most `rule.most` tags of attributes that are kept (AT). */
export function pointers(rule: Rule, value: Uint8Array): boolean {
  if (value.length % 4 || value.length / 4 > mostOf(rule)) return false;
  const view = viewOf(value);
  for (let place = 0; place < value.length; place += 4) {
    const tag = ((view.getUint16(place, true) << 16) | view.getUint16(place + 2, true)) >>> 0;
    if (!ATTRIBUTES.has(tag)) return false;
  }
  return true;
}

/** The bytes that a lookup table of this descriptor has (PS3.3, section C.7.6.3.1.5), given that it has `length`. */
export function tableBytes(descriptor: Uint8Array, length: number): number {
  const [entries, bits] = described(descriptor);
  return bits === 8 && length < 2 * entries ? entries + (entries % 2) : 2 * entries;
}

/** The bytes of the segments that give all entries of a lookup table (PS3.3, section C.7.9.2). */
export function segmentsBytes(descriptor: Uint8Array, value: Uint8Array): number {
  const [entries, bits] = described(descriptor);
  const size = bits === 8 ? 1 : 2;
  const count = Math.floor(value.length / size);
  const view = viewOf(value);
  const cell = (place: number) => (size === 1 ? view.getUint8(place) : view.getUint16(2 * place, true));
  // Of the segments that others may repeat.
  const starts: number[] = [];
  const sums = [0];
  let produced = 0;
  let position = 0;
  while (produced < entries && position + 2 < count) {
    const kind = cell(position);
    let length = cell(position + 1);
    const start = position * size;
    if (kind === 0 || kind === 1) {
      starts.push(start);
      sums.push((sums.at(-1) ?? 0) + length);
      position += 2 + (kind === 0 ? length : 1);
    } else if (kind === 2) {
      const first = firstFrom(starts, offsetAt(value, start + 2 * size));
      length = (sums[Math.min(first + length, starts.length)] ?? 0) - (sums[first] ?? 0);
      position += 2 + 4 / size;
    } else {
      break;
    }
    produced += length;
  }
  const end = Math.min(position * size, value.length);
  return end + (end % 2);
}

/** An offset of at most 32 bits; what is behind the value counts as zeros. */
function offsetAt(value: Uint8Array, place: number): number {
  return [0, 1, 2, 3].reduce((sum, byte) => sum + (value[place + byte] ?? 0) * 256 ** byte, 0);
}

/** The place of the first of ascending numbers that is not below `least`. */
function firstFrom(ascending: number[], least: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] ?? 0) < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

function described(descriptor: Uint8Array): [entries: number, bits: number] {
  const view = viewOf(descriptor);
  return [view.getUint16(0, true) || 65536, view.getUint16(4, true)];
}

function mostOf({ most = 1 }: Rule): number {
  return most;
}
