/**
 * The envelope `scanproof/envelope/1`: a file encrypted in chunks, so that any size needs little memory. The
 * specification is docs/ENVELOPE.md, with its sources; backend/crypto/envelope.py is the same in Python.
 */

import { areSame, joined } from "../bytes";
import { CryptoRefused } from "./refused";

export const KEY_BYTES = 32;
/** Plaintext in each chunk but the last, unless the caller chooses otherwise. */
export const CHUNK_BYTES = 256 * 1024;
export const SMALLEST_CHUNK = 1024;
const LARGEST_CHUNK = 1024 * 1024;
const SMALLEST_PADDED = 1024;
const LARGEST_PADDED = 2 ** 40;
const MAGIC = new TextEncoder().encode("scanproof/envelope/1");
/** HKDF-SHA256 and AES-256-GCM. */
const SUITE = 1;
const FIELDS_BYTES = 41;
const HEADER_BYTES = FIELDS_BYTES + 32;
const LENGTH_BYTES = 8;
const PREFIX_BYTES = 7;
const TAG_BYTES = 16;
const NONCE_BYTES = 12;
/** Chunks that WebCrypto works on at once, beside the page. */
const AT_ONCE = 4;

/** What an envelope holds. Each kind has keys of its own, so that one cannot stand for another. */
export const Kind = { file: 1, opening: 2 } as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

type Bytes = Uint8Array<ArrayBuffer>;

interface Header {
  kind: number;
  chunkBytes: number;
  noncePrefix: Bytes;
  padded: number;
}

/**
 * The length, in bytes, to which a file of `size` bytes and its 8 bytes of length are padded (Padmé): at most 12 % more
 * from 1 KiB up, and less the larger it is.
 */
export function paddedLength(size: number): number {
  const length = Math.max(size + LENGTH_BYTES, SMALLEST_PADDED);
  const exponent = bitLength(length) - 1;
  const step = 2 ** (exponent - bitLength(exponent));
  return Math.ceil(length / step) * step;
}

/** The length of the envelope of a file of `size` bytes. */
export function encryptedLength(size: number, chunkBytes = CHUNK_BYTES): number {
  const padded = paddedLength(size);
  return HEADER_BYTES + padded + TAG_BYTES * Math.ceil(padded / chunkBytes);
}

/** The envelope of a file, piece by piece. `key` has 32 random bytes and is of this record alone. */
export function encrypt(content: Blob, key: Bytes, kind: Kind, chunkBytes = CHUNK_BYTES): AsyncGenerator<Bytes> {
  const noncePrefix = crypto.getRandomValues(new Uint8Array(PREFIX_BYTES));
  return encryptWith(content, key, { kind, chunkBytes, noncePrefix });
}

/** For vectors, which choose the nonce prefix; anything else takes `encrypt`. */
export async function* encryptWith(content: Blob, key: Bytes, chosen: Omit<Header, "padded">): AsyncGenerator<Bytes> {
  if (!isChunkSize(chosen.chunkBytes)) throw new RangeError(`expected chunks of 1 KiB to 1 MiB, found ${chosen.chunkBytes}`);
  const header = { ...chosen, padded: paddedLength(content.size) };
  const { commitment, cipher } = await derive(key, fieldsOf(header));
  const whole = joined([fieldsOf(header), commitment]);
  yield whole;
  yield* inOrder(chunksOf(header), async ({ index, length, isLast }) => {
    const piece = new Uint8Array(length);
    const start = index === 0 ? LENGTH_BYTES : 0;
    if (index === 0) new DataView(piece.buffer).setBigUint64(0, BigInt(content.size));
    // The length of the file stands before it, so the file begins 8 bytes before the first chunk.
    const from = index * header.chunkBytes - (LENGTH_BYTES - start);
    piece.set(await bytesOf(content.slice(from, from + length - start)), start);
    return new Uint8Array(await crypto.subtle.encrypt(parameters(header, index, isLast, whole), cipher, piece));
  });
}

/**
 * The file in an envelope, piece by piece. Each piece is authentic, and so is its place, but only after the last one is
 * the file known to be whole: use nothing before. Rejects with CryptoRefused.
 */
export async function* decrypt(source: Blob, key: Bytes, kind: Kind): AsyncGenerator<Bytes> {
  const whole = await bytesOf(source.slice(0, HEADER_BYTES));
  const header = readHeader(whole);
  if (header.kind !== kind) throw new CryptoRefused("kind", `expected an envelope of kind ${kind}, found ${header.kind}`);
  const { commitment, cipher } = await derive(key, fieldsOf(header));
  if (!areSame(commitment, whole.subarray(FIELDS_BYTES))) {
    throw new CryptoRefused("key", "the envelope was made for another key, or its header was altered");
  }
  const decrypted = inOrder(chunksOf(header), async ({ index, length, isLast }) => {
    const at = HEADER_BYTES + index * (header.chunkBytes + TAG_BYTES);
    const sealed = await bytesOf(source.slice(at, at + length + TAG_BYTES));
    if (sealed.length < length + TAG_BYTES) throw new CryptoRefused("truncated", `the envelope ends within chunk ${index}`);
    try {
      return new Uint8Array(await crypto.subtle.decrypt(parameters(header, index, isLast, whole), cipher, sealed));
    } catch {
      throw new CryptoRefused("chunk", `chunk ${index} was altered or is of another place or file`);
    }
  });
  let left: number | null = null;
  for await (let piece of decrypted) {
    if (left === null) {
      left = readLength(piece, header);
      piece = piece.subarray(LENGTH_BYTES);
    }
    const content = piece.subarray(0, left);
    if (piece.subarray(left).some((byte) => byte !== 0)) throw new CryptoRefused("padding", "the padding is not zero");
    left -= content.length;
    if (content.length > 0) yield content;
  }
  const expected = HEADER_BYTES + header.padded + TAG_BYTES * Math.ceil(header.padded / header.chunkBytes);
  if (source.size > expected) throw new CryptoRefused("extended", "bytes follow the last chunk");
}

/** All pieces as one Blob, which browsers may keep on the disk. */
export async function collected(pieces: AsyncIterable<Bytes>): Promise<Blob> {
  const parts: Bytes[] = [];
  for await (const piece of pieces) parts.push(piece);
  return new Blob(parts);
}

function readHeader(bytes: Bytes): Header {
  if (!areSame(bytes.subarray(0, MAGIC.length), MAGIC)) {
    throw new CryptoRefused("format", "expected an envelope, which begins with scanproof/envelope/1");
  }
  if (bytes.length < HEADER_BYTES) throw new CryptoRefused("truncated", "the envelope ends within its header");
  const view = new DataView(bytes.buffer, MAGIC.length);
  const suite = view.getUint8(0);
  const chunkBytes = view.getUint32(2);
  const padded = Number(view.getBigUint64(6 + PREFIX_BYTES));
  if (suite !== SUITE) throw new CryptoRefused("format", `expected suite ${SUITE}, found ${suite}`);
  if (!isChunkSize(chunkBytes)) {
    throw new CryptoRefused("format", `expected chunks of a power of two from 1 KiB to 1 MiB, found ${chunkBytes}`);
  }
  if (padded < SMALLEST_PADDED || padded > LARGEST_PADDED) {
    throw new CryptoRefused("format", `expected a padded length of 1 KiB to 1 TiB, found ${padded}`);
  }
  const prefixAt = MAGIC.length + 6;
  return { kind: view.getUint8(1), chunkBytes, noncePrefix: bytes.slice(prefixAt, prefixAt + PREFIX_BYTES), padded };
}

function readLength(piece: Bytes, { padded }: Header): number {
  const size = Number(new DataView(piece.buffer).getBigUint64(0));
  if (size > padded || paddedLength(size) !== padded) {
    throw new CryptoRefused("length", `a file of ${size} bytes does not pad to ${padded}`);
  }
  return size;
}

/** All of the header but the key commitment. */
function fieldsOf({ kind, chunkBytes, noncePrefix, padded }: Header): Bytes {
  const numbers = new DataView(new ArrayBuffer(6));
  numbers.setUint8(0, SUITE);
  numbers.setUint8(1, kind);
  numbers.setUint32(2, chunkBytes);
  const length = new DataView(new ArrayBuffer(8));
  length.setBigUint64(0, BigInt(padded));
  return joined([MAGIC, new Uint8Array(numbers.buffer), noncePrefix, new Uint8Array(length.buffer)]);
}

function isChunkSize(length: number): boolean {
  return length >= SMALLEST_CHUNK && length <= LARGEST_CHUNK && Number.isInteger(Math.log2(length));
}

function* chunksOf({ padded, chunkBytes }: Header): Generator<{ index: number; length: number; isLast: boolean }> {
  const count = Math.ceil(padded / chunkBytes);
  for (let index = 0; index < count; index++) {
    yield { index, length: Math.min(chunkBytes, padded - index * chunkBytes), isLast: index === count - 1 };
  }
}

function parameters({ noncePrefix }: Header, index: number, isLast: boolean, whole: Bytes): AesGcmParams {
  const nonce = new Uint8Array(NONCE_BYTES);
  nonce.set(noncePrefix);
  new DataView(nonce.buffer).setUint32(PREFIX_BYTES, index);
  nonce[NONCE_BYTES - 1] = Number(isLast);
  return { name: "AES-GCM", iv: nonce, additionalData: whole };
}

async function derive(key: Bytes, fields: Bytes): Promise<{ commitment: Bytes; cipher: CryptoKey }> {
  if (key.length !== KEY_BYTES) throw new RangeError(`expected a key of ${KEY_BYTES} bytes, found ${key.length}`);
  const secret = await crypto.subtle.importKey("raw", key, "HKDF", false, ["deriveBits"]);
  const bits = async (label: string): Promise<ArrayBuffer> => {
    const info = joined([MAGIC, new TextEncoder().encode(label)]);
    return crypto.subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt: fields, info }, secret, 256);
  };
  const cipher = await crypto.subtle.importKey("raw", await bits(" payload"), "AES-GCM", false, ["encrypt", "decrypt"]);
  return { commitment: new Uint8Array(await bits(" key commitment")), cipher };
}

/** What `work` makes of each value, in their order; a few are worked on at once. */
async function* inOrder<T, R>(values: Iterable<T>, work: (value: T) => Promise<R>): AsyncGenerator<R> {
  const started: Promise<R>[] = [];
  for (const value of values) {
    const result = work(value);
    // Awaited below, unless the reader stops before: then its failure is no unhandled one.
    result.catch(() => undefined);
    started.push(result);
    if (started.length < AT_ONCE) continue;
    const first = started.shift();
    if (first) yield await first;
  }
  for (const result of started) yield await result;
}

async function bytesOf(part: Blob): Promise<Bytes> {
  return new Uint8Array(await part.arrayBuffer());
}

/** The number of binary digits of a whole number from 1 to 2^53. */
function bitLength(value: number): number {
  return value.toString(2).length;
}
