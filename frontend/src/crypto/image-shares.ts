/**
 * A file in n shares, any k of which restore it bit for bit. The specification is docs/SHARES.md, with its sources;
 * backend/crypto/image_shares.py is the same in Python.
 */

import { combine as combineKey, split as splitKey } from "shamir-secret-sharing";

import { areSame, hex, joined, sha256 } from "../bytes";
import { KEY_BYTES } from "./envelope";
import { evaluate, interpolate } from "./field";
import { CryptoRefused } from "./refused";
import { aesKey } from "./sealing";

type Bytes = Uint8Array<ArrayBuffer>;

export const MAX_FILE_BYTES = 32 * 1024 * 1024;
/** The threshold times the size of the file: so much is in memory while perfect shares are made. */
const MAX_PERFECT_BYTES = 1024 ** 3;
const MAGIC = new TextEncoder().encode("scanproof/share/1");
const PERFECT = 1;
const COMPACT = 2;
const MOST_SHARES = 255;
const SALT_BYTES = 64;
const SET_BYTES = 108;
const SIGNED_BYTES = 141;
const HEADER_BYTES = SIGNED_BYTES + 64;
const KEY_SHARE_BYTES = KEY_BYTES + 1;
const TAG_BYTES = 16;
/** WebCrypto gives so many random bytes in one call. */
const MOST_RANDOM_BYTES = 65536;
/** The keys encrypt once. */
const NONCE = new Uint8Array(12);

/** One share, whose signature was checked. `set` is what all shares of a file have alike. */
export interface Share {
  set: { fields: Bytes; mode: number; threshold: number; count: number; length: number; commitment: Bytes; signer: string };
  /** From 1 to the set's count. */
  index: number;
  payload: Bytes;
}

/** What is refused; `indexes` are those of the shares to blame. */
export class SharesRefused extends CryptoRefused {
  constructor(
    reason: string,
    message: string,
    readonly indexes: number[] = [],
  ) {
    super(reason, message);
  }
}

/** The documents of the shares, in their order. Without a `signer`, its key is made for this set and forgotten. */
export async function split(
  content: Bytes,
  { shares, threshold, compact = false, signer }: { shares: number; threshold: number; compact?: boolean; signer?: CryptoKeyPair },
): Promise<Bytes[]> {
  if (!(threshold >= 2 && threshold <= shares && shares <= MOST_SHARES)) {
    throw new RangeError(`expected 2 to ${MOST_SHARES} shares and a threshold from 2 to as many`);
  }
  if (content.length > MAX_FILE_BYTES) throw new RangeError(`expected a file of at most ${MAX_FILE_BYTES} bytes`);
  if (!compact && threshold * content.length > MAX_PERFECT_BYTES) {
    throw new RangeError(
      `expected a threshold times the size of the file of at most ${MAX_PERFECT_BYTES} bytes, found ${threshold * content.length}: choose a lower threshold or compact shares`,
    );
  }
  const keys = signer ?? (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]));
  const secret = joined([random(SALT_BYTES), content]);
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(content.length));
  const fields = joined([
    MAGIC,
    Uint8Array.of(compact ? COMPACT : PERFECT, threshold, shares),
    random(16),
    length,
    await commitmentOf(secret),
    new Uint8Array(await crypto.subtle.exportKey("raw", keys.publicKey)),
  ]);
  const payloads = compact ? await compactPayloads(setOf(fields), secret) : perfectPayloads(setOf(fields), secret);
  return Promise.all(
    payloads.map(async (payload, place) => {
      const signed = joined([fields, Uint8Array.of(place + 1), await sha256(payload)]);
      return joined([signed, new Uint8Array(await crypto.subtle.sign("Ed25519", keys.privateKey, signed)), payload]);
    }),
  );
}

/** The share of a document that may have zeros behind it, as pixels have. Rejects for one that is none, or was altered. */
export async function readShare(document: Bytes): Promise<Share> {
  if (document.length < HEADER_BYTES || !areSame(document.subarray(0, MAGIC.length), MAGIC)) {
    throw new SharesRefused("format", "expected a share, which begins with scanproof/share/1");
  }
  const set = setOf(document.slice(0, SET_BYTES));
  const signed = document.subarray(0, SIGNED_BYTES);
  if (!(await isSigned(set.fields.slice(SET_BYTES - 32), document.subarray(SIGNED_BYTES, HEADER_BYTES), signed))) {
    throw new SharesRefused("altered", "the share was altered: its signature does not fit its header");
  }
  const index = document[SET_BYTES] ?? 0;
  const { mode, threshold, count, length } = set;
  const makesSense = (mode === PERFECT || mode === COMPACT) && length <= MAX_FILE_BYTES && threshold >= 2 && threshold <= count;
  if (!makesSense || index < 1 || index > count) {
    throw new SharesRefused("format", "the share's header has numbers that make no sense");
  }
  const end = HEADER_BYTES + payloadBytes(set);
  const payload = document.slice(HEADER_BYTES, end);
  const isWhole = areSame(await sha256(payload), document.subarray(SET_BYTES + 1, SIGNED_BYTES));
  if (!isWhole || document.subarray(end).some((byte) => byte !== 0)) {
    throw new SharesRefused("altered", "the share was altered: its content is not the signed one");
  }
  if (payload.length !== payloadBytes(set)) {
    throw new SharesRefused("format", "the share's content has another length than its header says");
  }
  return { set, index, payload };
}

/**
 * The file. Rejects with SharesRefused for shares of several sets (the smaller ones are to blame), of one index with
 * different contents, for too few, and for shares that do not give the file that they commit to.
 */
export async function combine(shares: readonly Share[]): Promise<Bytes> {
  const set = largestSet(shares);
  const strangers = shares.filter((share) => !set || !areSame(share.set.fields, set.fields));
  if (strangers.length > 0) {
    const indexes = strangers.map(({ index }) => index);
    throw new SharesRefused("sets", "expected shares of one set, found some of another one", indexes);
  }
  const byIndex = new Map<number, Share>();
  for (const share of shares) {
    const former = byIndex.get(share.index) ?? share;
    if (!areSame(former.payload, share.payload)) {
      throw new SharesRefused("index", `two shares have the index ${share.index}, with different contents`, [share.index]);
    }
    byIndex.set(share.index, share);
  }
  if (!set || byIndex.size < set.threshold) {
    throw new SharesRefused("threshold", `expected at least ${set?.threshold ?? 2} shares of the set, found ${byIndex.size}`);
  }
  const chosen = [...byIndex.values()].sort((one, other) => one.index - other.index).slice(0, set.threshold);
  const secret = set.mode === COMPACT ? await openCompact(set, chosen) : openPerfect(chosen);
  if (!secret || !areSame(await commitmentOf(secret), set.commitment)) {
    throw new SharesRefused("commitment", "the shares do not give the file that their signer committed to");
  }
  return secret.slice(SALT_BYTES);
}

function setOf(fields: Bytes): Share["set"] {
  const view = new DataView(fields.buffer, fields.byteOffset);
  const at = MAGIC.length;
  return {
    fields,
    mode: view.getUint8(at),
    threshold: view.getUint8(at + 1),
    count: view.getUint8(at + 2),
    length: Number(view.getBigUint64(36)),
    commitment: fields.slice(44, 76),
    signer: hex(fields.subarray(76, SET_BYTES)),
  };
}

function payloadBytes({ mode, threshold, length }: Share["set"]): number {
  const secret = SALT_BYTES + length;
  return mode === PERFECT ? secret : KEY_SHARE_BYTES + Math.ceil((secret + TAG_BYTES) / threshold);
}

function largestSet(shares: readonly Share[]): Share["set"] | null {
  const counts = new Map<string, { set: Share["set"]; count: number }>();
  for (const { set } of shares) {
    const name = hex(set.fields);
    counts.set(name, { set, count: (counts.get(name)?.count ?? 0) + 1 });
  }
  return [...counts.values()].sort((one, other) => other.count - one.count)[0]?.set ?? null;
}

function perfectPayloads({ threshold, count }: Share["set"], secret: Bytes): Bytes[] {
  const coefficients = [secret, ...Array.from({ length: threshold - 1 }, () => random(secret.length))];
  return Array.from({ length: count }, (_, place) => evaluate(coefficients, place + 1));
}

function openPerfect(shares: readonly Share[]): Bytes {
  return interpolate(
    shares.map(({ index }) => index),
    shares.map(({ payload }) => payload),
    0,
  );
}

/** The first k shares have the stripes of the ciphertext, the others the values of the polynomials through them. */
async function compactPayloads(set: Share["set"], secret: Bytes): Promise<Bytes[]> {
  const key = random(KEY_BYTES);
  const parameters = { name: "AES-GCM", iv: NONCE, additionalData: set.fields };
  const length = payloadBytes(set) - KEY_SHARE_BYTES;
  const sealed = new Uint8Array(length * set.threshold);
  sealed.set(new Uint8Array(await crypto.subtle.encrypt(parameters, await aesKey(key), secret)));
  const points = Array.from({ length: set.threshold }, (_, place) => place + 1);
  const stripes = points.map((point) => sealed.slice((point - 1) * length, point * length));
  const keyShares = await splitKey(key, set.count, set.threshold);
  return keyShares.map((keyShare, place) => joined([keyShare, stripes[place] ?? interpolate(points, stripes, place + 1)]));
}

/** Null where the ciphertext is not authentic. */
async function openCompact(set: Share["set"], shares: readonly Share[]): Promise<Bytes | null> {
  const points = shares.map(({ index }) => index);
  const values = shares.map(({ payload }) => payload.slice(KEY_SHARE_BYTES));
  const stripes = Array.from(
    { length: set.threshold },
    (_, place) => values[points.indexOf(place + 1)] ?? interpolate(points, values, place + 1),
  );
  const sealed = joined(stripes).subarray(0, SALT_BYTES + set.length + TAG_BYTES);
  try {
    const key = new Uint8Array(await combineKey(shares.map(({ payload }) => payload.slice(0, KEY_SHARE_BYTES))));
    const parameters = { name: "AES-GCM", iv: NONCE, additionalData: set.fields };
    return new Uint8Array(await crypto.subtle.decrypt(parameters, await aesKey(key), sealed));
  } catch {
    return null;
  }
}

async function isSigned(signer: Bytes, signature: Bytes, signed: Bytes): Promise<boolean> {
  try {
    const key = await crypto.subtle.importKey("raw", signer, "Ed25519", false, ["verify"]);
    return await crypto.subtle.verify("Ed25519", key, signature, signed);
  } catch {
    return false;
  }
}

/** SHA-256(salt ‖ SHA-256 of the file) of a secret, which is both. */
async function commitmentOf(secret: Bytes): Promise<Bytes> {
  return sha256(joined([secret.subarray(0, SALT_BYTES), await sha256(secret.subarray(SALT_BYTES))]));
}

function random(length: number): Bytes {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += MOST_RANDOM_BYTES) crypto.getRandomValues(bytes.subarray(at, at + MOST_RANDOM_BYTES));
  return bytes;
}
