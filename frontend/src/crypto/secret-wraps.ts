/**
 * Keys wrapped by a secret of their owner: password, recovery phrase, or a passkey's PRF output. The specification is
 * docs/ENVELOPE.md, with its sources; backend/crypto/secret_wraps.py is the same in Python.
 */

import { argon2idAsync } from "@noble/hashes/argon2.js";

import { areSame, fromHex, hex, joined } from "../bytes";
import { KEY_BYTES } from "./envelope";
import { entropyOf } from "./phrases";
import { CryptoRefused } from "./refused";
import { LABEL } from "./wraps";

type Bytes = Uint8Array<ArrayBuffer>;

const SCHEMA = "scanproof.secret-wrap/1";
const SALT_BYTES = 32;
const PRF_BYTES = 32;
const MAX_WRAP_CHARACTERS = 4096;
const LONGEST_PASSWORD = 1024;
const WRAPPED_BYTES = KEY_BYTES + 16;
/** A key encrypts once: the salt makes it another one for each wrap. */
const NONCE = new Uint8Array(12);

/** The cost of Argon2id (RFC 9106). What a wrap asks for is bounded. */
export interface Argon2Cost {
  iterations: number;
  lanes: number;
  memoryKiB: number;
}

/** The second choice of RFC 9106, section 4. */
export const DEFAULT_COST: Argon2Cost = { iterations: 3, lanes: 4, memoryKiB: 64 * 1024 };

export type Method = "password" | "phrase" | "prf";

/** As JSON has it; bytes are lower-case hex. `argon2id` is that of a password. */
export interface SecretWrap {
  schema: typeof SCHEMA;
  method: Method;
  salt: string;
  commitment: string;
  wrapped: string;
  argon2id?: Argon2Cost;
}

/** `boundTo` names what the wrap is good for, such as the account. */
export async function wrapByPassword(key: Bytes, password: string, boundTo: Bytes, cost = DEFAULT_COST): Promise<SecretWrap> {
  if (!isBounded(cost)) throw new RangeError("expected a cost within the bounds");
  const salt = newSalt();
  return { ...(await wrapWith(key, "password", salt, await stretched(password, salt, cost), boundTo)), argon2id: cost };
}

/** Rejects with CryptoRefused for another password, an altered wrap, or one bound to something else. */
export async function unwrapByPassword(wrap: SecretWrap, password: string, boundTo: Bytes): Promise<Bytes> {
  expectMethod(wrap, "password");
  return unwrapWith(wrap, await stretched(password, fromHex(wrap.salt), wrap.argon2id ?? DEFAULT_COST), boundTo);
}

/** Rejects with CryptoRefused for a phrase that is none. */
export async function wrapByPhrase(key: Bytes, phrase: string, boundTo: Bytes): Promise<SecretWrap> {
  return wrapWith(key, "phrase", newSalt(), entropyOf(phrase), boundTo);
}

/** Rejects as `unwrapByPassword` does, and for a phrase that is none. */
export async function unwrapByPhrase(wrap: SecretWrap, phrase: string, boundTo: Bytes): Promise<Bytes> {
  expectMethod(wrap, "phrase");
  return unwrapWith(wrap, entropyOf(phrase), boundTo);
}

/** `output` is the 32 bytes that a passkey's PRF extension gives (WebAuthn Level 3, 10.1.4). */
export async function wrapByPrf(key: Bytes, output: Bytes, boundTo: Bytes): Promise<SecretWrap> {
  return wrapWith(key, "prf", newSalt(), checkedPrf(output), boundTo);
}

/** Rejects as `unwrapByPassword` does. */
export async function unwrapByPrf(wrap: SecretWrap, output: Bytes, boundTo: Bytes): Promise<Bytes> {
  expectMethod(wrap, "prf");
  return unwrapWith(wrap, checkedPrf(output), boundTo);
}

/** Throws CryptoRefused for a document that is not of the form, or whose cost is out of bounds. */
export function readSecretWrap(text: string): SecretWrap {
  const wrap = parsed(text);
  if (!wrap) throw new CryptoRefused("wrap format", `expected ${SCHEMA} with its fields and nothing else`);
  if (wrap.argon2id && !isBounded(wrap.argon2id)) {
    throw new CryptoRefused("argon2id", "expected Argon2id with 19,456 to 262,144 KiB, 2 to 10 iterations, 1 to 4 lanes");
  }
  return wrap;
}

function parsed(text: string): SecretWrap | null {
  if (text.length > MAX_WRAP_CHARACTERS) return null;
  try {
    const fields = JSON.parse(text) as Record<string, unknown>;
    const { schema, method, salt, commitment, wrapped, argon2id } = fields;
    const names = ["commitment", "method", "salt", "schema", "wrapped", ...(method === "password" ? ["argon2id"] : [])];
    if (schema !== SCHEMA || (method !== "password" && method !== "phrase" && method !== "prf")) return null;
    if (!isHex(salt, SALT_BYTES) || !isHex(commitment, 32) || !isHex(wrapped, WRAPPED_BYTES)) return null;
    if (!hasNames(fields, names)) return null;
    const values = { schema, method, salt, commitment, wrapped } as const;
    if (method !== "password") return values;
    return isCost(argon2id) ? { ...values, argon2id } : null;
  } catch {
    return null;
  }
}

function isCost(value: unknown): value is Argon2Cost {
  return (
    typeof value === "object" &&
    value !== null &&
    hasNames(value, ["iterations", "lanes", "memoryKiB"]) &&
    Object.values(value).every((number) => Number.isInteger(number))
  );
}

function hasNames(fields: object, names: string[]): boolean {
  return Object.keys(fields).sort().join() === [...names].sort().join();
}

function isHex(value: unknown, length: number): value is string {
  return typeof value === "string" && value.length === 2 * length && /^[0-9a-f]*$/.test(value);
}

/** From OWASP's smallest (19 MiB, 2 passes) to 256 MiB, 10 passes and 4 lanes. */
function isBounded({ memoryKiB, iterations, lanes }: Argon2Cost): boolean {
  const memoryFits = memoryKiB >= 19 * 1024 && memoryKiB <= 256 * 1024;
  return memoryFits && iterations >= 2 && iterations <= 10 && lanes >= 1 && lanes <= 4;
}

function expectMethod(wrap: SecretWrap, method: Method): void {
  if (wrap.method !== method) throw new CryptoRefused("wrap", `expected a wrap by ${method}, found one by ${wrap.method}`);
}

/** A password is the same in every form that Unicode has for it (NFC, as in RFC 8265). Needs some seconds. */
async function stretched(password: string, salt: Bytes, { iterations, lanes, memoryKiB }: Argon2Cost): Promise<Bytes> {
  const normal = password.normalize("NFC");
  const text = new TextEncoder().encode(normal);
  if (new TextDecoder("utf-8", { ignoreBOM: true }).decode(text) !== normal) {
    throw new CryptoRefused("password", "expected a password of Unicode characters");
  }
  if (text.length < 1 || text.length > LONGEST_PASSWORD) {
    throw new CryptoRefused("password", `expected a password of 1 to ${LONGEST_PASSWORD} bytes, found ${text.length}`);
  }
  return new Uint8Array(await argon2idAsync(text, salt, { t: iterations, p: lanes, m: memoryKiB, dkLen: 32 }));
}

function checkedPrf(output: Bytes): Bytes {
  if (output.length !== PRF_BYTES) throw new RangeError(`expected ${PRF_BYTES} bytes of a passkey, found ${output.length}`);
  return output;
}

function newSalt(): Bytes {
  return crypto.getRandomValues(new Uint8Array(SALT_BYTES));
}

async function wrapWith(key: Bytes, method: Method, salt: Bytes, secret: Bytes, boundTo: Bytes): Promise<SecretWrap> {
  if (key.length !== KEY_BYTES) throw new RangeError(`expected a key of ${KEY_BYTES} bytes, found ${key.length}`);
  const { cipher, commitment } = await derive(method, salt, secret);
  const wrapped = new Uint8Array(await crypto.subtle.encrypt(parameters(boundTo), cipher, key));
  return { schema: SCHEMA, method, salt: hex(salt), commitment: hex(commitment), wrapped: hex(wrapped) };
}

async function unwrapWith(wrap: SecretWrap, secret: Bytes, boundTo: Bytes): Promise<Bytes> {
  const { cipher, commitment } = await derive(wrap.method, fromHex(wrap.salt), secret);
  if (!areSame(commitment, fromHex(wrap.commitment))) {
    throw new CryptoRefused("secret", `this is not the ${wrap.method} that the key was wrapped by`);
  }
  try {
    return new Uint8Array(await crypto.subtle.decrypt(parameters(boundTo), cipher, fromHex(wrap.wrapped)));
  } catch {
    throw new CryptoRefused("wrap", "the wrapped key was altered, or is good for something else");
  }
}

function parameters(boundTo: Bytes): AesGcmParams {
  return { name: "AES-GCM", iv: NONCE, additionalData: joined([LABEL, boundTo]) };
}

async function derive(method: Method, salt: Bytes, secret: Bytes): Promise<{ cipher: CryptoKey; commitment: Bytes }> {
  const base = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  const info = joined([LABEL, new TextEncoder().encode(` ${method}`)]);
  const derived = await crypto.subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt, info }, base, 512);
  const cipher = await crypto.subtle.importKey("raw", derived.slice(0, 32), "AES-GCM", false, ["encrypt", "decrypt"]);
  return { cipher, commitment: new Uint8Array(derived.slice(32)) };
}
