/**
 * Reads and writes the elements of a DICOM file (PS3.5, section 7; PS3.10, section 7), as
 * `backend/adapters/dicom/elements.py` does. Every length comes from a stranger: it is compared with what is there.
 */

import { joined } from "../bytes";
import { inflate } from "../inflate";
import { DicomError } from "./dicom-error";
import { ATTRIBUTES, numberOf, TRANSFER_SYNTAXES, type TransferSyntax } from "./rules";

export const PREAMBLE_BYTES = 128;
const PREFIX = "DICM";
export const EXPLICIT_LITTLE = "1.2.840.10008.1.2.1";
const IMPLICIT_LITTLE = "1.2.840.10008.1.2";
const BIG_ENDIAN = "1.2.840.10008.1.2.2";
export const PIXEL_DATA = 0x7fe00010;
export const DIRECTORY_RECORDS = 0x00041220;
export const MAX_ELEMENTS = 500_000;
export const MAX_DEPTH = 16;
const MAX_INFLATED_BYTES = 256 * 1024 * 1024;

const TRANSFER_SYNTAX_UID = 0x00020010;
const ITEM = 0xfffee000;
const ITEM_END = 0xfffee00d;
const SEQUENCE_END = 0xfffee0dd;
const UNDEFINED = 0xffffffff;
/** Value representations with a length of 16 bits; all others have 32 (PS3.5, section 7.1.2). */
const SHORT = new Set("AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split(" "));
const MAX_SHORT = 0xfffe;
const MOST_TRAILER = 8;
const NUL_PADDED = new Set(["UI", "OB", "UN"]);
/** As many arguments as every browser passes to a function. */
const CHUNK = 8192;
const NOTHING = new Uint8Array();

/** `value` as in the file, whose byte order `bigEndian` gives; `vr` is empty in implicit encodings. */
export interface Element {
  tag: number;
  vr: string;
  value: Uint8Array;
  bigEndian?: boolean;
  /** Of a sequence, and the bytes of the data at which they start. */
  items?: DataSet[];
  starts?: number[];
  /** Of encapsulated pixel data; the first is the offset table. */
  fragments?: Uint8Array[];
}

export type DataSet = Map<number, Element>;

export interface DicomFile {
  preamble: Uint8Array;
  /** The file meta information, group 0002. */
  meta: DataSet;
  uid: string;
  syntax: TransferSyntax;
  dataSet: DataSet;
}

/**
 * The elements of a file, with or without preamble and file meta information, up to the one with the tag `last`. Raises
 * DicomError.
 */
export async function read(content: Uint8Array<ArrayBuffer>, last = Infinity): Promise<DicomFile> {
  const start = latin(content.subarray(PREAMBLE_BYTES, PREAMBLE_BYTES + 4)) === PREFIX ? PREAMBLE_BYTES + 4 : 0;
  const preamble = content.subarray(0, start ? PREAMBLE_BYTES : 0);
  let reader = new Reader(content, last);
  const [meta, end] = reader.meta(start);
  let position = end;
  const uid = textOf(meta.get(TRANSFER_SYNTAX_UID)) || guessed(content, position);
  let syntax = TRANSFER_SYNTAXES.get(uid);
  if (!syntax) {
    const named = /^[0-9.]{1,64}$/.test(uid) ? uid : "of an invalid UID";
    throw new DicomError(
      `expected a DICOM file in an encoding that is supported, found the transfer syntax ${named}`,
    );
  }
  if (syntax.deflated) {
    reader = new Reader(await inflated(content.subarray(position)), last);
    position = 0;
  } else if (!syntax.bigEndian) {
    // Some writers declare explicit value representations and write none, or the reverse.
    syntax = { ...syntax, implicit: !hasVr(content, position) };
  }
  const [dataSet] = reader.dataSet(position, reader.content.length, syntax, 0);
  return { preamble, meta, uid, syntax, dataSet };
}

/** A file in Explicit VR Little Endian, with a preamble of zeros. Elements must be in the order of their tags. */
export function write(meta: Element[], dataSet: Iterable<Element>): Uint8Array<ArrayBuffer> {
  const group = joined(meta.map(encoded));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, group.length, true);
  return joined([
    new Uint8Array(PREAMBLE_BYTES),
    bytesOf(PREFIX),
    encoded({ tag: 0x00020000, vr: "UL", value: length }),
    group,
    ...[...dataSet].map(encoded),
  ]);
}

/** The value of a text element without padding, each byte as one character; empty where there is none. */
export function textOf(element: Element | undefined): string {
  return element ? latin(element.value).replace(/^[ \0]+|[ \0]+$/g, "") : "";
}

/** Each byte as one character. The decoder of that name decodes another character set. */
export function latin(bytes: Uint8Array): string {
  let text = "";
  for (let start = 0; start < bytes.length; start += CHUNK) {
    text += String.fromCharCode(...bytes.subarray(start, start + CHUNK));
  }
  return text;
}

export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Whether the length of a value can be written. */
export function fits(vr: string, value: Uint8Array): boolean {
  return !SHORT.has(vr) || value.length <= MAX_SHORT;
}

function encoded({ tag, vr, value, items, fragments }: Element): Uint8Array {
  if (fragments) {
    const parts = fragments.flatMap((part) => [itemHeader(ITEM, part.length), part]);
    return joined([header(tag, "OB", UNDEFINED), ...parts, itemHeader(SEQUENCE_END, 0)]);
  }
  if (items) {
    const parts = items.map((item) => joined([...item.values()].map(encoded)));
    value = joined(parts.flatMap((part) => [itemHeader(ITEM, part.length), part]));
  }
  const padding = value.length & 1 ? [new Uint8Array([NUL_PADDED.has(vr) ? 0 : 0x20])] : [];
  return joined([header(tag, vr, value.length + padding.length), value, ...padding]);
}

function header(tag: number, vr: string, length: number): Uint8Array {
  const short = SHORT.has(vr);
  const made = new DataView(new ArrayBuffer(short ? 8 : 12));
  made.setUint16(0, tag >>> 16, true);
  made.setUint16(2, tag & 0xffff, true);
  made.setUint8(4, vr.charCodeAt(0));
  made.setUint8(5, vr.charCodeAt(1));
  if (short) made.setUint16(6, length, true);
  else made.setUint32(8, length, true);
  return new Uint8Array(made.buffer);
}

function itemHeader(tag: number, length: number): Uint8Array {
  const made = new DataView(new ArrayBuffer(8));
  made.setUint16(0, tag >>> 16, true);
  made.setUint16(2, tag & 0xffff, true);
  made.setUint32(4, length, true);
  return new Uint8Array(made.buffer);
}

class Reader {
  private readonly view: DataView;
  private count = 0;

  constructor(
    readonly content: Uint8Array,
    private readonly last: number,
  ) {
    this.view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  }

  /** The elements of group 0002, which are always Explicit VR Little Endian, and where they end. */
  meta(position: number): [DataSet, number] {
    const elements: DataSet = new Map();
    while (this.content.length - position >= 8 && this.view.getUint16(position, true) === 2) {
      const [element, next] = this.element(position, this.content.length, {}, 0);
      elements.set(element.tag, element);
      position = next;
    }
    return [elements, position];
  }

  /** The elements up to `end`, or to the delimiter of their item. Of a repeated tag, the last one counts. */
  dataSet(position: number, end: number, syntax: TransferSyntax, depth: number): [DataSet, number] {
    const elements: DataSet = new Map();
    while (end - position >= 8) {
      const tag = this.tag(position, syntax);
      if (depth && tag === ITEM_END) return [elements, position + 8];
      if (!depth && tag > this.last) break;
      if (!(tag >>> 16) && !this.content.subarray(position, end).some(Boolean)) break;
      const [element, next] = this.element(position, end, syntax, depth);
      elements.set(element.tag, element);
      position = next;
    }
    return [elements, end];
  }

  private tag(position: number, { bigEndian = false }: TransferSyntax): number {
    const group = this.view.getUint16(position, !bigEndian);
    return ((group << 16) | this.view.getUint16(position + 2, !bigEndian)) >>> 0;
  }

  private countOne(): void {
    if (++this.count > MAX_ELEMENTS) {
      throw new DicomError(`expected a DICOM file of at most ${MAX_ELEMENTS} elements, found more`);
    }
  }

  private element(position: number, end: number, syntax: TransferSyntax, depth: number): [Element, number] {
    this.countOne();
    const little = !syntax.bigEndian;
    const tag = this.tag(position, syntax);
    let vr = "";
    let length: number;
    if (syntax.implicit) {
      length = this.view.getUint32(position + 4, little);
      position += 8;
    } else {
      if (!hasVr(this.content, position)) throw damaged(tag);
      vr = String.fromCharCode(this.view.getUint8(position + 4), this.view.getUint8(position + 5));
      if (SHORT.has(vr)) {
        length = this.view.getUint16(position + 6, little);
        position += 8;
      } else {
        if (end - position < 12) throw damaged(tag);
        length = this.view.getUint32(position + 8, little);
        position += 12;
      }
    }
    const element: Element = { tag, vr, value: NOTHING, bigEndian: !little };
    if (length === UNDEFINED) {
      if (tag === PIXEL_DATA && !depth) {
        const [fragments, next] = this.fragments(position, end);
        return [{ ...element, fragments }, next];
      }
      // PS3.5, section 6.2.2, note 2
      const inner = vr === "UN" ? { implicit: true } : syntax;
      const [items, next, starts] = this.items(position, end, inner, depth + 1, true);
      return [{ ...element, items, starts }, next];
    }
    if (length > end - position) throw damaged(tag);
    const stop = position + length;
    const known = tag === DIRECTORY_RECORDS || ATTRIBUTES.get(tag)?.vr[0] === "SQ";
    if (vr === "SQ" || ((vr === "" || vr === "UN") && known)) {
      const inner = vr === "UN" ? { implicit: true } : syntax;
      const [items, , starts] = this.items(position, stop, inner, depth + 1, false);
      return [{ ...element, items, starts }, stop];
    }
    return [{ ...element, value: this.content.subarray(position, stop) }, stop];
  }

  private items(
    position: number,
    end: number,
    syntax: TransferSyntax,
    depth: number,
    delimited: boolean,
  ): [items: DataSet[], end: number, starts: number[]] {
    if (depth > MAX_DEPTH) {
      throw new DicomError(`expected a DICOM file with sequences of at most ${MAX_DEPTH} levels, found more`);
    }
    const items: DataSet[] = [];
    const starts: number[] = [];
    while (end - position >= 8) {
      const tag = this.tag(position, syntax);
      const length = this.view.getUint32(position + 4, !syntax.bigEndian);
      position += 8;
      if (tag === SEQUENCE_END && delimited) return [items, position, starts];
      if (tag !== ITEM || (length !== UNDEFINED && length > end - position)) throw damaged(tag);
      this.countOne();
      starts.push(position - 8);
      const [item, next] = this.dataSet(position, length === UNDEFINED ? end : position + length, syntax, depth);
      items.push(item);
      position = next;
    }
    if (delimited) throw damaged(SEQUENCE_END);
    return [items, end, starts];
  }

  /** The items of encapsulated pixel data (PS3.5, section A.4). */
  private fragments(position: number, end: number): [Uint8Array[], number] {
    const fragments: Uint8Array[] = [];
    while (end - position >= 8) {
      const tag = this.tag(position, {});
      const length = this.view.getUint32(position + 4, true);
      position += 8;
      if (tag === SEQUENCE_END) return [fragments, position];
      if (tag !== ITEM || length > end - position || length & 1) break;
      this.countOne();
      fragments.push(this.content.subarray(position, position + length));
      position += length;
    }
    throw damaged(PIXEL_DATA);
  }
}

/** The transfer syntax of a data set that no file meta information describes. */
function guessed(content: Uint8Array, position: number): string {
  if (!hasVr(content, position)) return IMPLICIT_LITTLE;
  return content[position] === 0 && content[position + 1] === 8 ? BIG_ENDIAN : EXPLICIT_LITTLE;
}

function hasVr(content: Uint8Array, position: number): boolean {
  return [4, 5].every((offset) => {
    const letter = content[position + offset] ?? 0;
    return letter >= 0x41 && letter <= 0x5a;
  });
}

/** A deflated data set (PS3.5, section A.5): a raw stream, and padding or, by some writers, the trailer of gzip. */
async function inflated(content: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await inflate(content, "deflate-raw", MAX_INFLATED_BYTES, MOST_TRAILER);
  } catch (error) {
    const found = "expected a whole DICOM file, found a deflated data set that is damaged";
    const large = `expected a DICOM file of at most ${MAX_INFLATED_BYTES} bytes when inflated, found a larger one`;
    throw new DicomError(error instanceof RangeError ? large : found);
  }
}

function damaged(tag: number): DicomError {
  return new DicomError(`expected a whole DICOM file, found one that is cut off or damaged at ${numberOf(tag)}`);
}
