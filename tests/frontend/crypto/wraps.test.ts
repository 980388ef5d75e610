/** Wrapped keys: the vectors of docs/vectors/envelope-1, which Python reads too, and what is refused. */

import { createPrivateKey, createPublicKey } from "node:crypto";

import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import { describe, expect, it } from "vitest";

import { fromHex, hex } from "../../../frontend/src/bytes";
import { entropyOf, newPhrase, phraseOf } from "../../../frontend/src/crypto/phrases";
import {
  readSecretWrap,
  unwrapByPassword,
  unwrapByPhrase,
  unwrapByPrf,
  wrapByPassword,
  wrapByPhrase,
  wrapByPrf,
} from "../../../frontend/src/crypto/secret-wraps";
import { newRsaKey, newX25519Key, pemOf, rawKey, readRecipient, readRecipientKey, unwrap, wrap, x25519Key } from "../../../frontend/src/crypto/wraps";
import { vectors } from "./vectors";

/** Argon2id takes a second, and more on a busy machine. */
const LIMIT_MS = 60_000;
const KEY = Uint8Array.from({ length: 32 }, (_, index) => index);
const CHEAP = { iterations: 2, lanes: 1, memoryKiB: 19 * 1024 };
const text = new TextEncoder();
const CID = text.encode("bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy");

interface Vector extends Record<string, unknown> {
  name: string;
  boundTo: string;
  key: string;
  reason: string;
  secret: string;
  privateKey: string;
  wrapped: string;
}

const ALL = vectors("envelope-1") as unknown as Vector[];
const WRAPS = ALL.filter(({ boundTo }) => boundTo);

async function open(vector: Vector): Promise<Uint8Array> {
  const boundTo = text.encode(vector.boundTo);
  if (!vector.wrap) return unwrap(fromHex(vector.wrapped), await readRecipientKey(vector.privateKey), boundTo);
  const read = readSecretWrap(JSON.stringify(vector.wrap));
  if (read.method === "password") return unwrapByPassword(read, vector.secret, boundTo);
  return read.method === "phrase"
    ? unwrapByPhrase(read, vector.secret, boundTo)
    : unwrapByPrf(read, fromHex(vector.secret), boundTo);
}

describe("a wrap", () => {
  it.each(WRAPS.filter(({ name }) => name.startsWith("good_")))("$name is read", async (vector) => {
    expect(hex(await open(vector))).toBe(vector.key);
  }, LIMIT_MS);

  it.each(WRAPS.filter(({ name }) => name.startsWith("fail_")))("$name is refused", async (vector) => {
    await expect(open(vector)).rejects.toMatchObject({ reason: vector.reason });
  }, LIMIT_MS);

  it("has vectors of all sorts", () => {
    expect(WRAPS.length).toBeGreaterThan(40);
  });

  it("by HPKE is that of RFC 9180", async () => {
    const vector = ALL.find(({ name }) => name === "good_hpke_rfc9180") as unknown as Record<string, string> & {
      encryptions: Record<"aad" | "ct" | "pt", string>[];
    };
    const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });
    const recipientKey = await x25519Key(fromHex(vector.skRm!), "private");
    const context = await suite.createRecipientContext({
      recipientKey,
      enc: fromHex(vector.enc!),
      info: fromHex(vector.info!),
    });

    expect(vector.encryptions.length).toBe(4);
    for (const { aad, ct, pt } of vector.encryptions) {
      expect(hex(new Uint8Array(await context.open(fromHex(ct), fromHex(aad))))).toBe(pt);
    }
  });

  it("is for its recipient alone", async () => {
    const [mine, other] = [await newX25519Key(), await newX25519Key()];
    const wrapped = await wrap(KEY, await x25519Key(await rawKey(mine.publicKey), "public"), CID);

    expect(wrapped.length).toBe(80);
    expect(await unwrap(wrapped, await x25519Key(await rawKey(mine.privateKey), "private"), CID)).toEqual(KEY);
    await expect(unwrap(wrapped, other.privateKey, CID)).rejects.toMatchObject({ reason: "wrap" });
  });

  it.each([
    ["x25519", newX25519Key],
    ["rsa", newRsaKey],
  ])("goes through PEM files of %s", async (_, make) => {
    const pair = await make();
    const [own, shown] = [await pemOf(pair.privateKey), await pemOf(pair.publicKey)];

    expect(await unwrap(await wrap(KEY, await readRecipient(shown), CID), await readRecipientKey(own), CID)).toEqual(KEY);
    expect(createPublicKey(shown).export({ type: "spki", format: "pem" })).toBe(shown);
    expect(createPrivateKey(own).export({ type: "pkcs8", format: "pem" })).toBe(own);
  }, LIMIT_MS);

  it("needs a sound public key", async () => {
    for (const pem of ["", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "a".repeat(20_000)]) {
      await expect(readRecipient(pem)).rejects.toMatchObject({ reason: "public key" });
    }
    await expect(readRecipientKey("-----BEGIN PRIVATE KEY-----\nA\n-----END PRIVATE KEY-----")).rejects.toMatchObject({
      reason: "private key",
    });
    await expect(wrap(new Uint8Array(3), (await newX25519Key()).publicKey, CID)).rejects.toThrow("found 3");
  });
});

describe("a wrap by a secret", () => {
  it("is read back", async () => {
    const phrase = newPhrase();
    const byPhrase = await wrapByPhrase(KEY, phrase, CID);
    const byPrf = await wrapByPrf(KEY, KEY, CID);
    const byPassword = await wrapByPassword(KEY, "secret", CID, CHEAP);

    expect(await unwrapByPhrase(readSecretWrap(JSON.stringify(byPhrase)), phrase, CID)).toEqual(KEY);
    expect(await unwrapByPrf(byPrf, KEY, CID)).toEqual(KEY);
    expect(await unwrapByPassword(byPassword, "secret", CID)).toEqual(KEY);
    await expect(unwrapByPassword(byPrf, "secret", CID)).rejects.toThrow("expected a wrap by password, found one by prf");
  }, LIMIT_MS);

  it("has bounds", async () => {
    await expect(wrapByPassword(KEY, "x", CID, { ...CHEAP, iterations: 1 })).rejects.toThrow("within the bounds");
    await expect(wrapByPassword(KEY, "", CID, CHEAP)).rejects.toThrow("found 0");
    await expect(wrapByPassword(KEY, "\ud800", CID, CHEAP)).rejects.toThrow("Unicode");
    await expect(wrapByPrf(KEY, new Uint8Array(1), CID)).rejects.toThrow("found 1");
    await expect(wrapByPhrase(new Uint8Array(1), newPhrase(12), CID)).rejects.toThrow("found 1");
  });
});

describe("a recovery phrase", () => {
  it.each([
    ["00".repeat(16), `${"abandon ".repeat(11)}about`],
    ["ff".repeat(32), `${"zoo ".repeat(23)}vote`],
  ])("of %s is that of BIP-39", (entropy, phrase) => {
    expect(phraseOf(fromHex(entropy))).toBe(phrase);
    expect(hex(entropyOf(`  ${phrase.toUpperCase()}\n`))).toBe(entropy);
  });

  it("says what is wrong with it", () => {
    expect(() => entropyOf("")).toThrow("expected 12 or 24 words, found 0");
    expect(() => entropyOf(`${"abandon ".repeat(11)}aboutt`)).toThrow("word 12 is not a word of recovery phrases");
    expect(() => entropyOf("abandon ".repeat(12))).toThrow("a word is another one, or the words are in another order");
    expect(() => phraseOf(new Uint8Array(20))).toThrow("found 20");
  });
});
