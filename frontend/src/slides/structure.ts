/**
 * The directories of a whole-slide image in TIFF or BigTIFF, read from a file part by part; no pixel is decoded. The
 * same rules and limits as `backend/adapters/slides/structure.py`.
 */

import { SlideError } from "./slide-error";

export const SUBFILE_TYPE = 254;
const WIDTH = 256;
const HEIGHT = 257;
const BITS = 258;
export const COMPRESSION = 259;
export const PHOTOMETRIC = 262;
export const DESCRIPTION = 270;
export const SAMPLES = 277;
const PLANAR = 284;
export const TILE_WIDTH = 322;
export const TILE_HEIGHT = 323;
const TILE_OFFSETS = 324;
const TILE_SIZES = 325;
const SUB_DIRECTORIES = 330;
export const JPEG_TABLES = 347;
const XMP = 700;
const NDPI = 65420;

const BYTE = 1;
export const ASCII = 2;
export const SHORT = 3;
export const LONG = 4;
export const RATIONAL = 5;
export const UNDEFINED = 7;
const IFD = 13;
export const LONG8 = 16;
const IFD8 = 18;

const HEAD_BYTES = 16;
export const REDUCED = 1;
const MAX_PIXELS = 2 ** 31;
const MAX_SIDE = 2 ** 31 - 1;
const MAX_DIRECTORIES = 64;
const MAX_ENTRIES = 512;
export const MAX_TILES = 1_048_576;
const MAX_TILE_SIDE = 16_384;
const MAX_TILE_PIXELS = 16 * 1024 ** 2;
export const MAX_TABLES_BYTES = 64 * 1024;
export const MAX_TEXT_BYTES = 1024 ** 2;
/** A compressed tile may be so much longer than its pixels. */
const SPARE_TILE_BYTES = 64 * 1024;
/** Of a value of each type, from 1 to 18. */
const SIZES = [1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8];
/** Of the types that are whole numbers. */
const WHOLE_NUMBERS: Record<number, 1 | 2 | 4 | 8> = { [BYTE]: 1, [SHORT]: 2, [LONG]: 4, [IFD]: 4, [LONG8]: 8, [IFD8]: 8 };
export const JPEG = 7;
/** None, LZW, JPEG, Deflate, and the JPEG 2000 of Aperio's scanners. */
const COMPRESSIONS = [1, 5, JPEG, 8, 32946, 33003, 33005];
const JPEG_2000 = [33003, 33005];
/** Samples and photometric interpretation: grey, RGB, YCbCr. */
const PIXELS = ["1 0", "1 1", "3 2", "3 6"];
export const APERIO = "Aperio";
const WORKS = "for example with `vips tiffsave --tile --pyramid`";

const LATIN = new TextDecoder("latin1");
const count = (value: number): string => value.toLocaleString("en-GB");

/** Byte order, and whether it is a BigTIFF; sizes in bytes. */
export class Layout {
  constructor(
    readonly little: boolean,
    readonly big: boolean,
  ) {}

  get headerBytes(): number {
    return this.big ? 16 : 8;
  }

  get wordBytes(): 4 | 8 {
    return this.big ? 8 : 4;
  }

  get countBytes(): 2 | 8 {
    return this.big ? 8 : 2;
  }

  get entryBytes(): number {
    return this.big ? 20 : 12;
  }

  directoryBytes(entries: number): number {
    return this.countBytes + entries * this.entryBytes + this.wordBytes;
  }

  /** An offset as the file writes it. */
  number(value: number): Uint8Array<ArrayBuffer> {
    return this.bytes(value, this.wordBytes);
  }

  /** A whole number of so many bytes as the file writes it. */
  bytes(value: number, size: 2 | 4 | 8): Uint8Array<ArrayBuffer> {
    const made = new Uint8Array(size);
    const view = new DataView(made.buffer);
    if (size === 2) view.setUint16(0, value, this.little);
    else if (size === 4) view.setUint32(0, value, this.little);
    else view.setBigUint64(0, BigInt(value), this.little);
    return made;
  }

  /** Numbers over 2^53 are rounded: no file is so long. */
  read(view: DataView, at: number, size: 1 | 2 | 4 | 8): number {
    if (size === 1) return view.getUint8(at);
    if (size === 2) return view.getUint16(at, this.little);
    if (size === 4) return view.getUint32(at, this.little);
    return Number(view.getBigUint64(at, this.little));
  }
}

/** `raw` are its bytes in the directory; the values are at `offset`, `size` bytes of them. */
export interface Entry {
  tag: number;
  kind: number;
  number: number;
  offset: number;
  size: number;
  inline: boolean;
  raw: Uint8Array;
}

export interface Directory {
  offset: number;
  entries: Entry[];
}

/** A picture of the pyramid; `offsets` and `sizes` are of the bytes of its tiles. */
export interface Level {
  directory: Directory;
  width: number;
  height: number;
  offsets: Float64Array;
  sizes: Float64Array;
}

export const entryOf = ({ entries }: Directory, tag: number): Entry | null => entries.find((each) => each.tag === tag) ?? null;

/** A TIFF that is read part by part. Every method raises SlideError where it would read past the end. */
export class SlideFile {
  private constructor(
    private readonly file: Blob,
    readonly layout: Layout,
  ) {}

  static async open(file: Blob): Promise<SlideFile> {
    const layout = layoutOf(new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer()));
    if (!layout) throw new SlideError("expected a whole-slide image in TIFF (also BigTIFF and SVS), found a file that begins otherwise");
    return new SlideFile(file, layout);
  }

  get size(): number {
    return this.file.size;
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    if (offset + length > this.size) throw beyond(offset + length, this.size);
    return new Uint8Array(await this.file.slice(offset, offset + length).arrayBuffer());
  }

  /** Those of the chain, and behind each those that its SubIFDs name, in the order of the file. */
  async directories(): Promise<Directory[]> {
    const { layout } = this;
    const found: Directory[] = [];
    const seen = new Set<number>();
    let place = layout.read(viewOf(await this.read(layout.big ? 8 : 4, layout.wordBytes)), 0, layout.wordBytes);
    while (place > 0) {
      const { directory, next } = await this.directory(place, seen);
      found.push(directory);
      place = next;
      const below = entryOf(directory, SUB_DIRECTORIES);
      if (!below) continue;
      if (below.number > MAX_DIRECTORIES) throw tooManyDirectories();
      for (const each of await this.integers(below)) found.push((await this.directory(each, seen)).directory);
    }
    return found;
  }

  /** The values of an entry, at most `most`. */
  async integers(entry: Entry, most = MAX_TILES): Promise<Float64Array> {
    const { tag, kind, number, offset, size } = entry;
    const bytes = WHOLE_NUMBERS[kind];
    if (bytes === undefined || number > most) {
      throw new SlideError(`expected at most ${count(most)} whole numbers in the TIFF tag ${tag}, found ${count(number)} values of type ${kind}`);
    }
    const view = viewOf(await this.read(offset, size));
    const values = new Float64Array(number);
    for (let place = 0; place < number; place += 1) values[place] = this.layout.read(view, place * bytes, bytes);
    const large = values.find((value) => value > 2 ** 62);
    if (large !== undefined) throw beyond(large, this.size);
    return values;
  }

  /** The first value of a tag. Raises SlideError where it is missing and has no `otherwise`. */
  async integer(directory: Directory, tag: number, otherwise?: number): Promise<number> {
    const entry = entryOf(directory, tag);
    const value = entry && (await this.integers(entry))[0];
    if (value !== null && value !== undefined) return value;
    if (otherwise === undefined) throw new SlideError(`expected a slide with the TIFF tag ${tag}, found none`);
    return otherwise;
  }

  /** The bytes of a text up to the first zero, a character for each; empty where there is none. */
  async text(directory: Directory, tag: number): Promise<string> {
    const entry = entryOf(directory, tag);
    if (!entry || ![ASCII, BYTE, UNDEFINED].includes(entry.kind)) return "";
    return textOf(await this.read(entry.offset, Math.min(entry.size, MAX_TEXT_BYTES)));
  }

  private async directory(place: number, seen: Set<number>): Promise<{ directory: Directory; next: number }> {
    if (seen.has(place)) throw new SlideError("expected directories that end, found a loop of them");
    seen.add(place);
    if (seen.size > MAX_DIRECTORIES) throw tooManyDirectories();
    const { layout } = this;
    const entries = layout.read(viewOf(await this.read(place, layout.countBytes)), 0, layout.countBytes);
    if (entries > MAX_ENTRIES) throw new SlideError(`expected at most ${MAX_ENTRIES} tags in a directory, found ${count(entries)}`);
    const start = place + layout.countBytes;
    const content = await this.read(start, entries * layout.entryBytes + layout.wordBytes);
    const directory = {
      offset: place,
      entries: Array.from({ length: entries }, (_, number) => this.entry(content, start, number * layout.entryBytes)),
    };
    return { directory, next: layout.read(viewOf(content), content.length - layout.wordBytes, layout.wordBytes) };
  }

  private entry(content: Uint8Array, start: number, position: number): Entry {
    const { layout } = this;
    const raw = content.slice(position, position + layout.entryBytes);
    const view = viewOf(raw);
    const field = layout.entryBytes - layout.wordBytes;
    const [tag, kind] = [layout.read(view, 0, 2), layout.read(view, 2, 2)];
    const number = layout.read(view, 4, layout.wordBytes);
    const size = number * (SIZES[kind - 1] ?? 0);
    const inline = size <= layout.wordBytes;
    const offset = inline ? start + position + field : layout.read(view, field, layout.wordBytes);
    return { tag, kind, number, offset, size, inline, raw };
  }
}

/**
 * Whether a TIFF is a whole-slide image, also a damaged one: one in tiles that is larger than an ordinary image, has
 * several pictures in tiles, or is of Aperio's scanners.
 */
export async function isSlide(blob: Blob, { maxBytes, maxPixels }: { maxBytes: number; maxPixels: number }): Promise<boolean> {
  const large = blob.size > maxBytes;
  try {
    const file = await SlideFile.open(blob);
    const tiled = (await file.directories()).filter((each) => entryOf(each, TILE_OFFSETS));
    let pixels = 0;
    for (const each of tiled) pixels = Math.max(pixels, (await file.integer(each, WIDTH)) * (await file.integer(each, HEIGHT)));
    const [first] = tiled;
    if (!first) return false;
    return large || tiled.length > 1 || pixels > maxPixels || (await file.text(first, DESCRIPTION)).startsWith(APERIO);
  } catch (error) {
    if (error instanceof SlideError) return large;
    throw error;
  }
}

/** The pyramid, largest first: the largest picture in tiles, and the smaller ones in the same proportions, none of which
 * is a label or macro picture. */
export async function levelsOf(file: SlideFile, directories: Directory[]): Promise<Level[]> {
  if (directories.length === 0) throw new SlideError("expected a slide with at least one picture, found none");
  await refuseFormats(file, directories);
  const pictures: { directory: Directory; width: number; height: number }[] = [];
  for (const directory of directories) {
    if (!(await isPicture(file, directory))) continue;
    const [width, height] = [await file.integer(directory, WIDTH), await file.integer(directory, HEIGHT)];
    if (width <= 0 || width > MAX_SIDE || height <= 0 || height > MAX_SIDE) {
      throw new SlideError(`expected a picture with pixels, found one of ${count(width)} x ${count(height)}`);
    }
    pictures.push({ directory, width, height });
  }
  const [one, ...others] = pictures;
  if (!one) {
    throw new SlideError(
      `expected a slide whose picture is stored in tiles, found none, so that it cannot be read by region: convert it to a tiled pyramid, ${WORKS}`,
    );
  }
  const full = others.reduce((first, each) => (each.width * each.height > first.width * first.height ? each : first), one);
  if (full.width * full.height > MAX_PIXELS) {
    throw new SlideError(
      `expected at most ${count(MAX_PIXELS)} pixels, found ${count(full.width)} x ${count(full.height)} = ${count(full.width * full.height)}`,
    );
  }
  const samples = await file.integer(full.directory, SAMPLES, 1);
  const levels = new Map([[full.width, full]]);
  for (const each of pictures) {
    if (!isReduced(each, full) || (await file.integer(each.directory, SAMPLES, 1)) !== samples) continue;
    if (!levels.has(each.width) && !(await associatedPicture(file, each.directory))) levels.set(each.width, each);
  }
  const aperio = (await file.text(full.directory, DESCRIPTION)).startsWith(APERIO);
  const made: Level[] = [];
  for (const { directory, width, height } of [...levels.values()].sort((larger, smaller) => smaller.width - larger.width)) {
    await checkPixels(file, directory, aperio);
    made.push(await levelOf(file, directory, width, height));
  }
  return made;
}

/** `label` or `macro`, where a picture's description has that word: a photograph of the glass, however it is stored. The
 * description of a full size may name all pictures of the file (OME-XML). */
export async function associatedPicture(file: SlideFile, directory: Directory): Promise<string | null> {
  const text = (await file.text(directory, DESCRIPTION)).toLowerCase();
  return ["label", "macro"].find((word) => text.includes(word)) ?? null;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The bytes up to the first zero, a character for each. */
export function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return LATIN.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

function layoutOf(head: Uint8Array): Layout | null {
  if (head.length < 8) return null;
  const little = head[0] === 0x49 && head[1] === 0x49;
  if (!little && (head[0] !== 0x4d || head[1] !== 0x4d)) return null;
  const layout = new Layout(little, false);
  const view = viewOf(head);
  const version = layout.read(view, 2, 2);
  if (version === 42) return layout;
  const big = version === 43 && head.length >= 16 && layout.read(view, 4, 2) === 8 && layout.read(view, 6, 2) === 0;
  return big ? new Layout(little, true) : null;
}

/** What would be shown wrongly without the private data that cleaning removes. */
async function refuseFormats(file: SlideFile, directories: Directory[]): Promise<void> {
  const [first] = directories;
  let found = "";
  if (directories.some((each) => entryOf(each, NDPI))) found = "a Hamamatsu NDPI file";
  else if (first && (await file.text(first, DESCRIPTION)).includes("leica-microsystems.com/scn")) found = "a Leica SCN file";
  else {
    for (const each of directories) if ((await file.text(each, XMP)).includes("iScan")) found = "a Ventana BIF file";
  }
  if (found) {
    throw new SlideError(
      `expected a tiled TIFF pyramid or an Aperio SVS, found ${found}, whose geometry is in private data: convert it to a tiled pyramid, ${WORKS}`,
    );
  }
}

/** Whether it is in tiles, and neither a mask nor, as scanners mark it, a label or macro picture. */
async function isPicture(file: SlideFile, directory: Directory): Promise<boolean> {
  const inTiles = [WIDTH, HEIGHT, TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_SIZES].every((tag) => entryOf(directory, tag));
  return inTiles && [0, REDUCED].includes(await file.integer(directory, SUBFILE_TYPE, 0));
}

interface Sides {
  width: number;
  height: number;
}

/** Whether a picture is a smaller one in the same proportions, to 2 % and a pixel: scanners fill up last tiles. */
function isReduced(size: Sides, full: Sides): boolean {
  if (size.width >= full.width || size.height > full.height) return false;
  const difference = Math.abs(size.height * full.width - size.width * full.height);
  return 50 * difference <= size.width * full.height + 50 * full.width;
}

async function levelOf(file: SlideFile, directory: Directory, width: number, height: number): Promise<Level> {
  const [across, down] = [await file.integer(directory, TILE_WIDTH), await file.integer(directory, TILE_HEIGHT)];
  if (across <= 0 || across > MAX_TILE_SIDE || down <= 0 || down > MAX_TILE_SIDE || across * down > MAX_TILE_PIXELS) {
    throw new SlideError(
      `expected tiles of at most ${count(MAX_TILE_SIDE)} pixels a side and ${count(MAX_TILE_PIXELS)} pixels, found ${count(across)} x ${count(down)}`,
    );
  }
  const number = Math.ceil(width / across) * Math.ceil(height / down);
  if (number > MAX_TILES) throw new SlideError(`expected at most ${count(MAX_TILES)} tiles in a picture, found ${count(number)}`);
  const offsets = await tileNumbers(file, directory, TILE_OFFSETS, number);
  const sizes = await tileNumbers(file, directory, TILE_SIZES, number);
  const most = across * down * (await file.integer(directory, SAMPLES, 1)) + SPARE_TILE_BYTES;
  let end = 0;
  for (const [place, size] of sizes.entries()) {
    if (size === 0) offsets[place] = 0;
    else if (size > most) throw new SlideError(`expected tiles of at most ${count(most)} bytes, found one of ${count(size)}`);
    end = Math.max(end, (offsets[place] ?? 0) + size);
  }
  if (end > file.size) throw beyond(end, file.size);
  return { directory, width, height, offsets, sizes };
}

async function tileNumbers(file: SlideFile, directory: Directory, tag: number, number: number): Promise<Float64Array> {
  const entry = entryOf(directory, tag);
  if (entry?.number !== number) {
    throw new SlideError(`expected ${count(number)} values in the TIFF tag ${tag}, one for each tile, found ${count(entry?.number ?? 0)}`);
  }
  return file.integers(entry);
}

async function checkPixels(file: SlideFile, directory: Directory, aperio: boolean): Promise<void> {
  const bits = entryOf(directory, BITS);
  const depths = bits ? [...(await file.integers(bits, 4))] : [1];
  const samples = await file.integer(directory, SAMPLES, 1);
  const photometric = await file.integer(directory, PHOTOMETRIC, 1);
  if (depths.length === 0 || depths.some((depth) => depth !== 8) || !PIXELS.includes(`${samples} ${photometric}`)) {
    throw new SlideError(
      `expected a slide with 8-bit grey or RGB pixels, found ${samples} samples of ${depths.join("/")} bits and photometric interpretation ${photometric}`,
    );
  }
  if ((await file.integer(directory, PLANAR, 1)) !== 1) {
    throw new SlideError("expected a slide whose colours are stored together, found separate planes");
  }
  const compression = await file.integer(directory, COMPRESSION, 1);
  if (!COMPRESSIONS.includes(compression) || (JPEG_2000.includes(compression) && !aperio)) {
    throw new SlideError(`expected tiles without compression or in LZW, JPEG or Deflate, found compression ${compression}`);
  }
}

function beyond(end: number, size: number): SlideError {
  return new SlideError(`expected a whole slide of ${count(end)} bytes or more, found ${count(size)} bytes`);
}

function tooManyDirectories(): SlideError {
  return new SlideError(`expected at most ${MAX_DIRECTORIES} directories in a slide, found more`);
}
