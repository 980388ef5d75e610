/** Reads a ZIP in the browser (PKWARE's APPNOTE 6.3.10): only what a study needs, and nothing past its limits. */

import { joined } from "../bytes";
import { readAll } from "../inflate";

/** A file of a study: its path within the folder or ZIP, and its bytes. */
export interface SourceFile {
  name: string;
  size: number;
  /** Raises ZipRefused for an entry that is not what the ZIP says. */
  bytes: () => Promise<Uint8Array<ArrayBuffer>>;
}

/** The ZIP is damaged or unsafe; the message is for people. */
export class ZipRefused extends Error {}

const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const END_BYTES = 22;
const CENTRAL_BYTES = 46;
const LOCAL_BYTES = 30;
const LONGEST_COMMENT = 65_535;
const STORED = 0;
const DEFLATED = 8;
const ENCRYPTED = 0x1;
/** Its true sizes would be in a ZIP64 field, which no ZIP within the limits needs. */
const ZIP64 = 0xffffffff;

export interface ZipLimits {
  files: number;
  /** Of all files together, unpacked. */
  bytes: number;
}

export async function isZip(file: Blob): Promise<boolean> {
  const head = new DataView(await file.slice(0, 4).arrayBuffer());
  return head.byteLength === 4 && [LOCAL, END].includes(head.getUint32(0, true));
}

/** The files of a ZIP, without its folders. Raises ZipRefused. */
export async function readZip(file: Blob, limits: ZipLimits): Promise<SourceFile[]> {
  const { count, start, size } = await directory(file);
  if (count > limits.files) throw new ZipRefused(`The ZIP has ${count} files; at most ${limits.files} are read.`);
  const view = new DataView(await file.slice(start, start + size).arrayBuffer());
  const found: SourceFile[] = [];
  const names = new Set<string>();
  let place = 0;
  let total = 0;
  for (let number = 0; number < count; number += 1) {
    if (place + CENTRAL_BYTES > view.byteLength || view.getUint32(place, true) !== CENTRAL) throw damaged();
    const [nameBytes, extra, comment] = [28, 30, 32].map((at) => view.getUint16(place + at, true)) as [number, number, number];
    const next = place + CENTRAL_BYTES + nameBytes + extra + comment;
    if (next > view.byteLength) throw damaged();
    const name = new TextDecoder().decode(new Uint8Array(view.buffer, place + CENTRAL_BYTES, nameBytes));
    const entry = {
      name,
      flags: view.getUint16(place + 8, true),
      method: view.getUint16(place + 10, true),
      packed: view.getUint32(place + 20, true),
      size: view.getUint32(place + 24, true),
      offset: view.getUint32(place + 42, true),
    };
    place = next;
    if (name.endsWith("/")) continue;
    check(entry);
    if (names.has(name)) throw new ZipRefused(`The ZIP has “${name}” twice.`);
    names.add(name);
    total += entry.size;
    if (total > limits.bytes) throw new ZipRefused("The ZIP would unpack to more than a study may have.");
    found.push({ name, size: entry.size, bytes: () => unpack(file, entry) });
  }
  return found;
}

interface Entry {
  name: string;
  flags: number;
  method: number;
  packed: number;
  size: number;
  offset: number;
}

function check({ name, flags, method, packed, size, offset }: Entry): void {
  const climbs = name.startsWith("/") || name.includes("\\") || name.includes(":") || name.split("/").includes("..");
  if (climbs) throw new ZipRefused(`The ZIP has the path “${name}”, which leads out of it.`);
  if (flags & ENCRYPTED) throw new ZipRefused("The ZIP is encrypted. Unpack it, and choose the folder.");
  if (method !== STORED && method !== DEFLATED) throw new ZipRefused(`“${name}” is packed in a way that is not read here.`);
  if ([packed, size, offset].includes(ZIP64)) throw new ZipRefused("The ZIP is larger than those that are read here.");
}

async function directory(file: Blob): Promise<{ count: number; start: number; size: number }> {
  const from = Math.max(0, file.size - END_BYTES - LONGEST_COMMENT);
  const tail = new DataView(await file.slice(from).arrayBuffer());
  for (let place = tail.byteLength - END_BYTES; place >= 0; place -= 1) {
    if (tail.getUint32(place, true) !== END) continue;
    const [count, size, start] = [tail.getUint16(place + 10, true), tail.getUint32(place + 12, true), tail.getUint32(place + 16, true)];
    if (start + size > from + place) throw damaged();
    return { count, start, size };
  }
  throw damaged();
}

/** Never more than the size that the ZIP says, whatever the data would unpack to. */
async function unpack(file: Blob, { name, method, packed, size, offset }: Entry): Promise<Uint8Array<ArrayBuffer>> {
  const header = new DataView(await file.slice(offset, offset + LOCAL_BYTES).arrayBuffer());
  if (header.byteLength < LOCAL_BYTES || header.getUint32(0, true) !== LOCAL) throw damaged();
  const begin = offset + LOCAL_BYTES + header.getUint16(26, true) + header.getUint16(28, true);
  const data = file.slice(begin, begin + packed);
  const stream = method === STORED ? data.stream() : data.stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const parts: Uint8Array[] = [];
  try {
    await readAll(stream, parts, size);
  } catch (error) {
    throw error instanceof RangeError ? new ZipRefused(`“${name}” unpacks to more than the ZIP says.`) : damaged();
  }
  const content = joined(parts);
  if (content.length !== size) throw damaged();
  return content;
}

const damaged = (): ZipRefused => new ZipRefused("The ZIP is damaged.");
