/**
 * What opens a private record: the salt of its commitment and its inference manifest, encrypted beside the image. The
 * specification is docs/ENVELOPE.md; backend/crypto/openings.py is the same in Python.
 */

import { sha256 } from "@noble/hashes/sha2.js";

import { areSame, fromHex, hex, joined } from "../bytes";
import { collected, decrypt, encrypt, encryptedLength, Kind, SMALLEST_CHUNK } from "./envelope";
import { CryptoRefused } from "./refused";

type Bytes = Uint8Array<ArrayBuffer>;

const SCHEMA = "scanproof.opening/1";
const SALT_BYTES = 32;
const HASH_BYTES = 32;
export const MAX_OPENING_BYTES = 1024 * 1024;
const READ_BYTES = 1024 * 1024;

/** `manifest` is the inference manifest's canonical JSON, whose SHA-256 is the record's `manifestHash`. */
export interface Opening {
  salt: Bytes;
  manifest: string;
}

/** With a salt that nobody else has. */
export function newOpening(manifest: string): Opening {
  return { salt: crypto.getRandomValues(new Uint8Array(SALT_BYTES)), manifest };
}

/**
 * SHA-256(salt ‖ SHA-256 of the plaintext file): the `commitment` of a private record. It says nothing about the file to
 * whom the salt is unknown.
 */
export async function commitmentOf(salt: Bytes, file: Blob): Promise<Bytes> {
  return commitmentOfHash(salt, await sha256Of(file));
}

export function commitmentOfHash(salt: Uint8Array, fileHash: Uint8Array): Bytes {
  if (salt.length !== SALT_BYTES || fileHash.length !== HASH_BYTES) {
    throw new RangeError("expected a salt and a hash of 32 bytes each");
  }
  return new Uint8Array(sha256(joined([salt, fileHash])));
}

/** Read piece by piece, which WebCrypto cannot. */
async function sha256Of(file: Blob): Promise<Bytes> {
  const hash = sha256.create();
  for (let at = 0; at < file.size; at += READ_BYTES) {
    hash.update(new Uint8Array(await file.slice(at, at + READ_BYTES).arrayBuffer()));
  }
  return new Uint8Array(hash.digest());
}

/** Rejects with CryptoRefused where the decrypted file is not the one of the commitment. */
export async function checkOpening(opening: Opening, file: Blob, expected: Uint8Array): Promise<void> {
  if (!areSame(await commitmentOf(opening.salt, file), expected)) {
    throw new CryptoRefused("commitment", "the decrypted file is not the one that the record commits to");
  }
}

/** Canonical JSON (RFC 8785). */
export function openingDocument({ salt, manifest }: Opening): Bytes {
  return new TextEncoder().encode(JSON.stringify({ manifest, salt: hex(salt), schema: SCHEMA }));
}

/** The envelope of kind `opening` under the image's content key. */
export async function encryptOpening(opening: Opening, key: Bytes): Promise<Blob> {
  const document = openingDocument(opening);
  if (document.length > MAX_OPENING_BYTES) throw new RangeError(`expected an opening of at most ${MAX_OPENING_BYTES} bytes`);
  return collected(encrypt(new Blob([document]), key, Kind.opening));
}

/** Rejects with CryptoRefused. */
export async function decryptOpening(sealed: Blob, key: Bytes): Promise<Opening> {
  if (sealed.size > encryptedLength(MAX_OPENING_BYTES, SMALLEST_CHUNK)) {
    throw new CryptoRefused("size", `expected an opening of at most ${MAX_OPENING_BYTES} bytes`);
  }
  const document = await collected(decrypt(sealed, key, Kind.opening));
  return readOpening(new Uint8Array(await document.arrayBuffer()));
}

/** Throws CryptoRefused for anything but the canonical form. */
export function readOpening(document: Bytes): Opening {
  try {
    const fields = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(document)) as Record<string, unknown>;
    const { salt, manifest } = fields;
    if (typeof salt === "string" && typeof manifest === "string" && /^[0-9a-f]{64}$/.test(salt)) {
      const opening = { salt: fromHex(salt), manifest };
      if (areSame(openingDocument(opening), document)) return opening;
    }
  } catch {
    // Said below.
  }
  throw new CryptoRefused("opening", `expected ${SCHEMA} in canonical JSON with a salt of 32 bytes and a manifest`);
}
