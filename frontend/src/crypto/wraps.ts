/**
 * Content keys wrapped for the public keys of people. The specification is docs/ENVELOPE.md; backend/crypto/wraps.py is
 * the same in Python. `boundTo` is what a wrap is good for: the CID of the envelope, in ASCII.
 */

import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";

import { areSame, joined } from "../bytes";
import { KEY_BYTES } from "./envelope";
import { CryptoRefused } from "./refused";

type Bytes = Uint8Array<ArrayBuffer>;

export const LABEL = new TextEncoder().encode("scanproof/wrap/1");
/** Encapsulated key, wrapped key, tag. */
const HPKE_WRAP_BYTES = 80;
const ENCAPSULATED_BYTES = 32;
const SMALLEST_RSA_BITS = 3072;
const LARGEST_RSA_BITS = 8192;
const MAX_PEM_CHARACTERS = 16 * 1024;
/** RFC 8410: what stands before the 32 bytes of an X25519 key in DER. */
const PUBLIC_DER = Uint8Array.of(0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 3, 0x21, 0);
const PRIVATE_DER = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 0x22, 4, 0x20);
const RSA = { name: "RSA-OAEP", hash: "SHA-256" };

const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });

/** An X25519 or RSA key of a person, as `readRecipient` and `readRecipientKey` give it. */
export type Recipient = CryptoKey;

/** An X25519 key made here, which can leave the browser only wrapped. */
export async function newX25519Key(): Promise<CryptoKeyPair> {
  return suite.kem.generateKeyPair();
}

/** An RSA key of 3,072 bits for a recipient, made here. */
export async function newRsaKey(): Promise<CryptoKeyPair> {
  const algorithm = { ...RSA, modulusLength: SMALLEST_RSA_BITS, publicExponent: Uint8Array.of(1, 0, 1) };
  return crypto.subtle.generateKey(algorithm, true, ["encrypt", "decrypt"]);
}

/** A key, public or private, as PEM (RFC 7468), which `readRecipient` and `readRecipientKey` read. */
export async function pemOf(key: Recipient): Promise<string> {
  const isPublic = key.type === "public";
  const name = isPublic ? "PUBLIC KEY" : "PRIVATE KEY";
  const isRsa = key.algorithm.name === RSA.name;
  const der = isRsa
    ? new Uint8Array(await crypto.subtle.exportKey(isPublic ? "spki" : "pkcs8", key))
    : joined([isPublic ? PUBLIC_DER : PRIVATE_DER, await rawKey(key)]);
  const base64 = btoa(Array.from(der, (byte) => String.fromCharCode(byte)).join(""));
  return [`-----BEGIN ${name}-----`, ...(base64.match(/.{1,64}/g) ?? []), `-----END ${name}-----`, ""].join("\n");
}

/** The 32 bytes of an X25519 key, public or private. */
export async function rawKey(key: Recipient): Promise<Bytes> {
  const serialize = key.type === "public" ? "serializePublicKey" : "serializePrivateKey";
  return new Uint8Array(await suite.kem[serialize](key));
}

/** The X25519 key of 32 bytes. */
export async function x25519Key(raw: Bytes, type: "public" | "private"): Promise<Recipient> {
  return suite.kem.importKey("raw", raw.slice().buffer, type === "public");
}

/** `key`, 32 bytes, for the recipient: HPKE in base mode with `boundTo` as associated data, or RSA-OAEP with it in the label. */
export async function wrap(key: Bytes, recipient: Recipient, boundTo: Bytes): Promise<Bytes> {
  if (key.length !== KEY_BYTES) throw new RangeError(`expected a key of ${KEY_BYTES} bytes, found ${key.length}`);
  if (recipient.algorithm.name === RSA.name) {
    return new Uint8Array(await crypto.subtle.encrypt(oaep(boundTo), checkedRsa(recipient), key));
  }
  const { enc, ct } = await suite.seal({ recipientPublicKey: recipient, info: LABEL }, key, boundTo);
  return joined([new Uint8Array(enc), new Uint8Array(ct)]);
}

/** Rejects with CryptoRefused for a wrap that is damaged, of another recipient, or bound to something else. */
export async function unwrap(wrapped: Bytes, recipient: Recipient, boundTo: Bytes): Promise<Bytes> {
  const key = await opened(wrapped, recipient, boundTo).catch(() => null);
  if (key?.length !== KEY_BYTES) throw new CryptoRefused("wrap", "the key was not wrapped for this recipient and this file");
  return key;
}

/** The public key of a PEM file (RFC 7468): X25519, or RSA from 3,072 bits. Rejects with CryptoRefused. */
export async function readRecipient(pem: string): Promise<Recipient> {
  const refused = new CryptoRefused("public key", "expected a public key of X25519 or RSA in PEM");
  const der = derOf(pem, "PUBLIC KEY", refused);
  if (der.length === PUBLIC_DER.length + 32 && areSame(der.subarray(0, PUBLIC_DER.length), PUBLIC_DER)) {
    return x25519Key(der.slice(PUBLIC_DER.length), "public");
  }
  const key = await crypto.subtle.importKey("spki", der, RSA, true, ["encrypt"]).catch(() => null);
  if (!key) throw refused;
  return checkedRsa(key);
}

/** The private key of a PEM file without a password. Rejects with CryptoRefused. */
export async function readRecipientKey(pem: string): Promise<Recipient> {
  const refused = new CryptoRefused("private key", "expected a private key of X25519 or RSA in PEM without a password");
  const der = derOf(pem, "PRIVATE KEY", refused);
  if (der.length === PRIVATE_DER.length + 32 && areSame(der.subarray(0, PRIVATE_DER.length), PRIVATE_DER)) {
    return x25519Key(der.slice(PRIVATE_DER.length), "private");
  }
  const key = await crypto.subtle.importKey("pkcs8", der, RSA, false, ["decrypt"]).catch(() => null);
  if (!key) throw refused;
  return checkedRsa(key);
}

async function opened(wrapped: Bytes, recipient: Recipient, boundTo: Bytes): Promise<Bytes | null> {
  if (recipient.algorithm.name === RSA.name) {
    return new Uint8Array(await crypto.subtle.decrypt(oaep(boundTo), recipient, wrapped));
  }
  if (wrapped.length !== HPKE_WRAP_BYTES) return null;
  const enc = wrapped.slice(0, ENCAPSULATED_BYTES);
  return new Uint8Array(await suite.open({ recipientKey: recipient, enc, info: LABEL }, wrapped.slice(ENCAPSULATED_BYTES), boundTo));
}

function derOf(pem: string, name: string, refused: CryptoRefused): Bytes {
  if (pem.length > MAX_PEM_CHARACTERS) throw refused;
  const found = new RegExp(`-----BEGIN ${name}-----([A-Za-z0-9+/=\\s]+)-----END ${name}-----`).exec(pem);
  if (!found?.[1]) throw refused;
  try {
    return Uint8Array.from(atob(found[1]), (character) => character.charCodeAt(0));
  } catch {
    throw refused;
  }
}

function checkedRsa(key: Recipient): Recipient {
  const bits = (key.algorithm as RsaKeyAlgorithm).modulusLength;
  if (bits < SMALLEST_RSA_BITS || bits > LARGEST_RSA_BITS) {
    throw new CryptoRefused("public key", `expected an RSA key of ${SMALLEST_RSA_BITS} to ${LARGEST_RSA_BITS} bits, found ${bits}`);
  }
  return key;
}

function oaep(boundTo: Bytes): RsaOaepParams {
  return { name: RSA.name, label: joined([LABEL, new TextEncoder().encode(" "), boundTo]) };
}
