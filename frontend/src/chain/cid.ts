/**
 * The CID of a file as Pinata and this server give it: CIDv1, raw leaves of 256 KiB below balanced UnixFS nodes of 174
 * links (https://specs.ipfs.tech/unixfs/), computed here so that the page need not believe anybody.
 */

import { sha256 } from "../bytes";

const CHUNK_BYTES = 256 * 1024;
const LINKS = 174;
const RAW = 0x55;
const DAG_PB = 0x70;
const UNIXFS_FILE = 2;
const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";

/** A block; `size` is of its part of the file, `stored` of all blocks below it and its own. */
interface Link {
  cid: number[];
  size: number;
  stored: number;
}

/** A file is read chunk by chunk. */
export async function cidOf(content: Uint8Array<ArrayBuffer> | Blob): Promise<string> {
  const file = content instanceof Blob ? content : new Blob([content]);
  let links: Link[] = [];
  for (let start = 0; start === 0 || start < file.size; start += CHUNK_BYTES) {
    const chunk = new Uint8Array(await file.slice(start, start + CHUNK_BYTES).arrayBuffer());
    links.push({ cid: await binary(RAW, chunk), size: chunk.length, stored: chunk.length });
  }
  while (links.length > 1) {
    const parents: Link[] = [];
    for (let start = 0; start < links.length; start += LINKS) parents.push(await parent(links.slice(start, start + LINKS)));
    links = parents;
  }
  return text(links[0]?.cid ?? []);
}

/** A dag-pb block (https://ipld.io/specs/codecs/dag-pb/spec/): links to what is below, then the file's sizes. */
async function parent(below: Link[]): Promise<Link> {
  const links = below.flatMap(({ cid, stored }) => bytes(2, [...bytes(1, cid), ...bytes(2, []), ...number(3, stored)]));
  const size = below.reduce((sum, link) => sum + link.size, 0);
  const sizes = below.flatMap((link) => number(4, link.size));
  const block = Uint8Array.from([...links, ...bytes(1, [...number(1, UNIXFS_FILE), ...number(3, size), ...sizes])]);
  const stored = below.reduce((sum, link) => sum + link.stored, block.length);
  return { cid: await binary(DAG_PB, block), size, stored };
}

async function binary(codec: number, block: Uint8Array<ArrayBuffer>): Promise<number[]> {
  return [1, codec, 0x12, 0x20, ...(await sha256(block))];
}

const number = (field: number, value: number): number[] => [field << 3, ...varint(value)];
const bytes = (field: number, value: number[]): number[] => [(field << 3) | 2, ...varint(value.length), ...value];

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value % 0x80) | 0x80, ...varint(Math.floor(value / 0x80))];
}

/** Multibase base32 in lower case, without padding. */
function text(cid: number[]): string {
  const bits = cid.map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const groups = bits.match(/.{1,5}/g) ?? [];
  return `b${groups.map((group) => BASE32.charAt(Number.parseInt(group.padEnd(5, "0"), 2))).join("")}`;
}
