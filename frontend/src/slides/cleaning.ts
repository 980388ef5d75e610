/**
 * Takes what identifies somebody out of a whole-slide image before it leaves the page, in place: no tile moves, and
 * no pixel changes. The same bytes as `backend/adapters/slides/cleaning.py` makes.
 */

import { areSame, joined } from "../bytes";
import { comments, withoutComments } from "./jpegs";
import { SlideError } from "./slide-error";
import {
  APERIO,
  ASCII,
  associatedPicture,
  COMPRESSION,
  DESCRIPTION,
  JPEG,
  JPEG_TABLES,
  LONG,
  LONG8,
  levelsOf,
  MAX_TABLES_BYTES,
  MAX_TEXT_BYTES,
  MAX_TILES,
  RATIONAL,
  REDUCED,
  SHORT,
  SUBFILE_TYPE,
  textOf,
  UNDEFINED,
  type Directory,
  type Entry,
  type Layout,
  type Level,
  type SlideFile,
} from "./structure";

const NUMBERS = [SHORT, LONG];
const LARGE = [SHORT, LONG, LONG8];
/** The tags that stay, with the types and the number of values that they may have. */
const KEPT: Record<number, [kinds: number[], most: number]> = {
  254: [NUMBERS, 1],
  256: [NUMBERS, 1],
  257: [NUMBERS, 1],
  258: [[SHORT], 4],
  259: [[SHORT], 1],
  262: [[SHORT], 1],
  270: [[ASCII], MAX_TEXT_BYTES],
  277: [[SHORT], 1],
  282: [[RATIONAL], 1],
  283: [[RATIONAL], 1],
  284: [[SHORT], 1],
  296: [[SHORT], 1],
  317: [[SHORT], 1],
  322: [NUMBERS, 1],
  323: [NUMBERS, 1],
  324: [LARGE, MAX_TILES],
  325: [LARGE, MAX_TILES],
  338: [[SHORT], 2],
  339: [[SHORT], 4],
  347: [[UNDEFINED], MAX_TABLES_BYTES],
  529: [[RATIONAL], 3],
  530: [[SHORT], 2],
  531: [[SHORT], 1],
  532: [[RATIONAL], 6],
};
const NAMES: Record<number, string> = {
  269: "DocumentName",
  270: "ImageDescription",
  271: "Make",
  272: "Model",
  285: "PageName",
  305: "Software",
  306: "DateTime",
  315: "Artist",
  316: "HostComputer",
  330: "SubIFDs",
  700: "XMP",
  33432: "Copyright",
  33723: "IPTC",
  34377: "Photoshop",
  34665: "EXIF",
  34675: "colour profile",
  34853: "GPS position",
};
/** What stays of an Aperio description, in this order. White space is ASCII's only. */
const STATED: [name: string, pattern: RegExp][] = [
  ["AppMag", /\|[ \t\n\r\f\v]*AppMag[ \t\n\r\f\v]*=[ \t\n\r\f\v]*([0-9]{1,3}(?:\.[0-9]{1,6})?)[ \t\n\r\f\v]*(?=\||$)/],
  ["MPP", /\|[ \t\n\r\f\v]*MPP[ \t\n\r\f\v]*=[ \t\n\r\f\v]*([0-9]{1,3}(?:\.[0-9]{1,10})?)[ \t\n\r\f\v]*(?=\||$)/],
];
const OTHER = "other data";
const READ_BYTES = 4 * 1024 ** 2;
const ZEROS = new Blob([new Uint8Array(1024 ** 2)]);

/** From and to, in bytes of the file. */
type Place = [from: number, to: number];

export interface Cleaning {
  /** Bytes for places of the file, in their order. */
  patches: { offset: number; content: Uint8Array<ArrayBuffer> }[];
  /** Places that become zero, in their order, and are not yet. */
  zeros: Place[];
  /** Names of what was there; empty where nothing changes. */
  removed: string[];
  levels: Level[];
}

/** What to change so that nothing in the file may identify anybody. Raises SlideError. */
export async function plan(file: SlideFile): Promise<Cleaning> {
  const directories = await file.directories();
  const levels = await levelsOf(file, directories);
  const removed = new Set<string>();
  for (const directory of directories) {
    if (!levels.some((level) => level.directory === directory)) removed.add(await nameOfPicture(file, directory));
  }
  const pieces = new Map<number, Uint8Array<ArrayBuffer>>();
  const values: Place[] = [];
  for (const [number, level] of levels.entries()) {
    const made = await rewritten(file, level, number === 0);
    for (const name of made.removed) removed.add(name);
    const following = file.layout.number(levels[number + 1]?.directory.offset ?? 0);
    pieces.set(level.directory.offset, joined([made.directory, following]));
    for (const [offset, text] of made.texts) pieces.set(offset, text);
    values.push(...made.values);
  }
  const { headerBytes, wordBytes } = file.layout;
  const start = file.layout.number(levels[0]?.directory.offset ?? 0);
  pieces.set(0, joined([await file.read(0, headerBytes - wordBytes), start]));
  const taken = [...pieces].map(([offset, piece]): Place => [offset, offset + piece.length]);
  checkPlaces(file.layout, levels, values);
  const inTiles = await commentsOf(file, levels);
  if (inTiles.length > 0) removed.add("comments in the tiles");
  const patches: Cleaning["patches"] = [];
  for (const [offset, content] of [...pieces].sort(([one], [other]) => one - other)) {
    if (!areSame(await file.read(offset, content.length), content)) addPatch(patches, offset, content);
  }
  const zeros = await withData(file, gaps(file.size, [...taken, ...values], levels));
  if (removed.size === 0 && (patches.length > 0 || zeros.length > 0)) removed.add(OTHER);
  zeros.push(...inTiles);
  zeros.sort(([one], [other]) => one - other);
  return { patches, zeros, removed: [...removed], levels };
}

/** Values that share bytes are one patch: the later one counts. */
function addPatch(patches: Cleaning["patches"], offset: number, content: Uint8Array<ArrayBuffer>): void {
  const last = patches.at(-1);
  const shared = last ? last.offset + last.content.length - offset : 0;
  if (!last || shared <= 0) {
    patches.push({ offset, content });
    return;
  }
  const rest = last.content.subarray(Math.min(last.content.length, offset - last.offset + content.length));
  last.content = joined([last.content.subarray(0, offset - last.offset), content, rest]);
}

/** The clean file, of parts of the file that was chosen: its tiles are never in memory. */
export function cleanBlob(file: Blob, { patches, zeros }: Cleaning): Blob {
  const changes = [
    ...patches.map(({ offset, content }) => ({ from: offset, to: offset + content.length, parts: [content] as BlobPart[] })),
    ...zeros.map(([from, to]) => ({ from, to, parts: zeroParts(to - from) })),
  ].sort((one, other) => one.from - other.from);
  const parts: BlobPart[] = [];
  let at = 0;
  for (const { from, to, parts: made } of changes) {
    if (from > at) parts.push(file.slice(at, from));
    parts.push(...made);
    at = to;
  }
  return new Blob([...parts, file.slice(at)], { type: "image/tiff" });
}

function zeroParts(length: number): BlobPart[] {
  const whole = Math.floor(length / ZEROS.size);
  return [...Array.from({ length: whole }, () => ZEROS), ZEROS.slice(0, length - whole * ZEROS.size)];
}

/** A directory with the tags that stay, at the place where it is, without the place of the next one; `values` are the
 * places of the values that stay outside it, and `texts` new bytes for some of them. */
interface Rewritten {
  directory: Uint8Array;
  texts: Map<number, Uint8Array<ArrayBuffer>>;
  values: Place[];
  removed: string[];
}

async function rewritten(file: SlideFile, { directory }: Level, first: boolean): Promise<Rewritten> {
  const { layout } = file;
  const made: Rewritten = { directory: new Uint8Array(), texts: new Map(), values: [], removed: [] };
  const kept = new Map<number, Uint8Array>();
  for (const entry of directory.entries) {
    const raw = kept.has(entry.tag) ? null : await keptEntry(file, entry, first, made);
    if (raw) kept.set(entry.tag, raw);
    else made.removed.push(NAMES[entry.tag] ?? `tag ${entry.tag}`);
  }
  const room = directory.entries.length > kept.size;
  if (!first && (kept.has(SUBFILE_TYPE) || room)) {
    kept.set(SUBFILE_TYPE, entryBytes(layout, SUBFILE_TYPE, LONG, 1, layout.bytes(REDUCED, 4)));
  }
  const entries = [...kept].sort(([one], [other]) => one - other).map(([, raw]) => raw);
  made.directory = joined([layout.bytes(entries.length, layout.countBytes), ...entries]);
  return made;
}

/** The entry's bytes; null for one that goes. */
async function keptEntry(file: SlideFile, entry: Entry, first: boolean, made: Rewritten): Promise<Uint8Array | null> {
  const [kinds, most] = KEPT[entry.tag] ?? [[], 0];
  if (!kinds.includes(entry.kind) || entry.number <= 0 || entry.number > most) return null;
  if (entry.tag === DESCRIPTION) return keptDescription(file, entry, first, made);
  if (entry.tag === JPEG_TABLES) {
    if (entry.inline) return null;
    const tables = await file.read(entry.offset, entry.size);
    const clean = withoutComments(tables);
    if (!areSame(clean, tables)) {
      made.removed.push("comments in the JPEG tables");
      made.texts.set(entry.offset, clean);
    }
  }
  if (entry.inline) return withoutPadding(entry, file.layout);
  made.values.push([entry.offset, entry.offset + entry.size]);
  return entry.raw;
}

async function keptDescription(file: SlideFile, entry: Entry, first: boolean, made: Rewritten): Promise<Uint8Array | null> {
  const text = await file.read(entry.offset, entry.size);
  if (!first || !textOf(text).startsWith(APERIO)) return null;
  const content = new Uint8Array([...new TextEncoder().encode(aperioText(textOf(text))), 0]);
  if (content.length > entry.size || content.length <= file.layout.wordBytes) return null;
  if (!areSame(text, content)) made.removed.push(NAMES[DESCRIPTION] ?? "");
  made.texts.set(entry.offset, content);
  made.values.push([entry.offset, entry.offset + content.length]);
  return entryBytes(file.layout, entry.tag, entry.kind, content.length, file.layout.number(entry.offset));
}

/** The description of an Aperio slide with nothing but magnification and size of a pixel. */
export function aperioText(description: string): string {
  const stated = STATED.flatMap(([name, pattern]) => {
    const value = pattern.exec(description)?.[1];
    return value === undefined ? [] : [`${name}=${value}`];
  });
  return ["Aperio Image", ...stated].join("|");
}

async function nameOfPicture(file: SlideFile, directory: Directory): Promise<string> {
  return `${(await associatedPicture(file, directory)) ?? "another"} picture`;
}

/** Behind values that are shorter than their field, some writers leave what was in memory. */
function withoutPadding({ raw, size }: Entry, { wordBytes }: Layout): Uint8Array {
  return raw.slice().fill(0, raw.length - wordBytes + size);
}

function entryBytes(layout: Layout, tag: number, kind: number, number: number, value: Uint8Array): Uint8Array {
  const field = new Uint8Array(layout.wordBytes);
  field.set(value);
  return joined([layout.bytes(tag, 2), layout.bytes(kind, 2), layout.number(number), field]);
}

/** Raises SlideError where directories, their values and tiles are not at places of their own: what a tile covers stays
 * as it is. */
function checkPlaces(layout: Layout, levels: Level[], values: Place[]): void {
  const directories = [
    [0, layout.headerBytes] as Place,
    ...levels.map(({ directory: { offset, entries } }): Place => [offset, offset + layout.directoryBytes(entries.length)]),
  ].sort(([one], [other]) => one - other);
  if (directories.some(([start], place) => place > 0 && (directories[place - 1]?.[1] ?? 0) > start)) throw overlapping("directories");
  for (const [start, end] of values) {
    if (directories.some(([from, to]) => from < end && to > start)) throw overlapping("values of tags");
  }
  const taken = [...directories, ...values].sort(([one], [other]) => one - other);
  const starts = taken.map(([start]) => start);
  let last = 0;
  const ends = taken.map(([, end]) => (last = Math.max(last, end)));
  for (const { offsets, sizes } of levels) {
    for (const [place, size] of sizes.entries()) {
      const offset = offsets[place] ?? 0;
      const before = firstNotBelow(starts, offset + size) - 1;
      if (size > 0 && before >= 0 && (ends[before] ?? 0) > offset) throw overlapping("tiles");
    }
  }
}

/** How many of the rising numbers are below `value`. */
function firstNotBelow(numbers: number[], value: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function overlapping(what: string): SlideError {
  return new SlideError(`expected ${what} of a slide at places of their own, found some that overlap`);
}

/** The places of which nothing that stays makes use, in their order. */
function gaps(size: number, taken: Place[], levels: Level[]): Place[] {
  const starts = [...taken.map(([start]) => start)];
  const ends = [...taken.map(([, end]) => end)];
  for (const level of levels) {
    for (const [place, length] of level.sizes.entries()) {
      const offset = level.offsets[place] ?? 0;
      if (length > 0) {
        starts.push(offset);
        ends.push(offset + length);
      }
    }
  }
  const order = Uint32Array.from(starts.keys()).sort((one, other) => (starts[one] ?? 0) - (starts[other] ?? 0));
  const found: Place[] = [];
  let end = 0;
  for (const place of order) {
    const start = starts[place] ?? 0;
    if (start > end) found.push([end, start]);
    end = Math.max(end, ends[place] ?? 0);
  }
  if (size > end) found.push([end, size]);
  return found;
}

/** The places in JPEG tiles that are no part of a picture and not zero yet, in their order. Raises SlideError for tiles
 * that overlap, each of which is read once, or are no JPEG. */
async function commentsOf(file: SlideFile, levels: Level[]): Promise<Place[]> {
  const places: Place[] = [];
  for (const { directory, offsets, sizes } of levels) {
    if ((await file.integer(directory, COMPRESSION, 1)) !== JPEG) continue;
    for (const [place, size] of sizes.entries()) {
      const offset = offsets[place] ?? 0;
      if (size > 0) places.push([offset, offset + size]);
    }
  }
  places.sort(([one, end], [other, otherEnd]) => one - other || end - otherEnd);
  const used = places.filter(([start, end], number) => {
    const before = places[number - 1];
    return before?.[0] !== start || before[1] !== end;
  });
  if (used.some(([start], number) => (used[number - 1]?.[1] ?? 0) > start)) throw overlapping("tiles");
  const found: Place[] = [];
  for (const group of groups(used)) {
    const start = group[0]?.[0] ?? 0;
    const content = await file.read(start, (group.at(-1)?.[1] ?? start) - start);
    for (const [from, to] of group) {
      for (const [begin, end] of comments(content.subarray(from - start, to - start))) found.push([from + begin, from + end]);
    }
    if (found.length > MAX_TILES) throw new SlideError(`expected at most ${MAX_TILES.toLocaleString("en-GB")} comments in the tiles, found more`);
  }
  return found;
}

/** Places that are read together: those that end within READ_BYTES, or one that is longer. */
function* groups(places: Place[]): Generator<Place[]> {
  let number = 0;
  while (number < places.length) {
    const [start] = places[number] ?? [0];
    let after = number + 1;
    while (after < places.length && (places[after]?.[1] ?? 0) <= start + READ_BYTES) after += 1;
    yield places.slice(number, after);
    number = after;
  }
}

/** Those places that are not zero yet, read part by part; small ones that are near each other together. */
async function withData(file: SlideFile, places: Place[]): Promise<Place[]> {
  const found: Place[] = [];
  for (const group of groups(places)) {
    const [start, end] = [group[0]?.[0] ?? 0, group.at(-1)?.[1] ?? 0];
    if (end - start > READ_BYTES) {
      if (await hasData(file, start, end)) found.push(...group);
    } else {
      const content = await file.read(start, end - start);
      found.push(...group.filter(([from, to]) => content.subarray(from - start, to - start).some((byte) => byte !== 0)));
    }
  }
  return found;
}

async function hasData(file: SlideFile, start: number, end: number): Promise<boolean> {
  for (let offset = start; offset < end; offset += READ_BYTES) {
    const content = await file.read(offset, Math.min(READ_BYTES, end - offset));
    if (content.some((byte) => byte !== 0)) return true;
  }
  return false;
}
