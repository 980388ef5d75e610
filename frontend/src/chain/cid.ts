/**
 * The CID of a file as Pinata and this server give it: CIDv1, raw leaves of 256 KiB under one UnixFS node
 * (https://specs.ipfs.tech/unixfs/), computed here so that the page need not believe anybody.
 */

const CHUNK_BYTES = 256 * 1024;
/** More leaves need a second level of nodes; images are smaller. */
const MAX_LEAVES = 174;
const RAW = 0x55;
const DAG_PB = 0x70;
const UNIXFS_FILE = 2;
const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";

/** Raises RangeError for a file of more than 43.5 MiB. */
export async function cidOf(content: Uint8Array<ArrayBuffer>): Promise<string> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for (let start = 0; start === 0 || start < content.length; start += CHUNK_BYTES) {
    chunks.push(content.subarray(start, start + CHUNK_BYTES));
  }
  if (chunks.length > MAX_LEAVES) throw new RangeError(`expected at most ${MAX_LEAVES} chunks, found ${chunks.length}`);
  return text(await (chunks.length === 1 ? binary(RAW, content) : binary(DAG_PB, await node(chunks))));
}

/** A dag-pb block (https://ipld.io/specs/codecs/dag-pb/spec/): links to the leaves, then the file's sizes. */
async function node(chunks: Uint8Array<ArrayBuffer>[]): Promise<Uint8Array<ArrayBuffer>> {
  const leaves = await Promise.all(chunks.map(async (chunk) => ({ leaf: await binary(RAW, chunk), length: chunk.length })));
  const links = leaves.flatMap(({ leaf, length }) => bytes(2, [...bytes(1, leaf), ...bytes(2, []), ...number(3, length)]));
  const size = chunks.reduce((sum, { length }) => sum + length, 0);
  const sizes = chunks.flatMap(({ length }) => number(4, length));
  return Uint8Array.from([...links, ...bytes(1, [...number(1, UNIXFS_FILE), ...number(3, size), ...sizes])]);
}

async function binary(codec: number, block: Uint8Array<ArrayBuffer>): Promise<number[]> {
  return [1, codec, 0x12, 0x20, ...new Uint8Array(await crypto.subtle.digest("SHA-256", block))];
}

const number = (field: number, value: number): number[] => [field << 3, ...varint(value)];
const bytes = (field: number, value: number[]): number[] => [(field << 3) | 2, ...varint(value.length), ...value];

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}

/** Multibase base32 in lower case, without padding. */
function text(cid: number[]): string {
  const bits = cid.map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const groups = bits.match(/.{1,5}/g) ?? [];
  return `b${groups.map((group) => BASE32.charAt(Number.parseInt(group.padEnd(5, "0"), 2))).join("")}`;
}
