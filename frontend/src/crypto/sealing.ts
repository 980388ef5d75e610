/**
 * A few megabytes at most, encrypted to one receiver: `scanproof/sealed/1` of docs/SHARES.md. backend/crypto/sealing.py is
 * the same in Python.
 */

import { areSame, hex, joined, sha256 } from "../bytes";
import { KEY_BYTES } from "./envelope";
import { CryptoRefused } from "./refused";
import { unwrap, wrap, type Recipient } from "./wraps";

type Bytes = Uint8Array<ArrayBuffer>;

const MAGIC = new TextEncoder().encode("scanproof/sealed/1");
const FIELDS_BYTES = MAGIC.length + 6;
const MOST_WRAP_BYTES = 1024;
/** The key encrypts once. */
const PARAMETERS = { name: "AES-GCM", iv: new Uint8Array(12), additionalData: MAGIC };

export async function seal(content: Bytes, recipient: Recipient): Promise<Bytes> {
  const key = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  const sealed = new Uint8Array(await crypto.subtle.encrypt(PARAMETERS, await aesKey(key), content));
  const wrapped = await wrap(key, recipient, await boundTo(sealed));
  const lengths = new DataView(new ArrayBuffer(6));
  lengths.setUint16(0, wrapped.length);
  lengths.setUint32(2, sealed.length);
  return joined([MAGIC, new Uint8Array(lengths.buffer), wrapped, sealed]);
}

export function isSealed(content: Bytes): boolean {
  return areSame(content.subarray(0, MAGIC.length), MAGIC);
}

/** What is sealed to any of these private keys; zeros may follow, as pixels have them. Rejects with CryptoRefused. */
export async function unseal(content: Bytes, keys: readonly Recipient[]): Promise<Bytes> {
  if (content.length < FIELDS_BYTES || !isSealed(content)) {
    throw new CryptoRefused("format", "expected sealed bytes, which begin with scanproof/sealed/1");
  }
  const view = new DataView(content.buffer, content.byteOffset + MAGIC.length);
  const start = FIELDS_BYTES + view.getUint16(0);
  const end = start + view.getUint32(2);
  const isWhole = start - FIELDS_BYTES <= MOST_WRAP_BYTES && end <= content.length;
  if (!isWhole || content.subarray(end).some((byte) => byte !== 0)) {
    throw new CryptoRefused("altered", "the sealed bytes were altered or cut off");
  }
  const [wrapped, sealed] = [content.slice(FIELDS_BYTES, start), content.slice(start, end)];
  for (const recipient of keys) {
    try {
      const key = await unwrap(wrapped, recipient, await boundTo(sealed));
      return new Uint8Array(await crypto.subtle.decrypt(PARAMETERS, await aesKey(key), sealed));
    } catch {
      // Sealed to another key, perhaps the next one.
    }
  }
  throw new CryptoRefused("recipient", "sealed to another key, or altered");
}

export async function aesKey(key: Bytes): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt", "decrypt"]);
}

async function boundTo(sealed: Bytes): Promise<Bytes> {
  return new TextEncoder().encode(hex(await sha256(sealed)));
}
