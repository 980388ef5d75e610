/** The envelope of private images: the vectors of docs/vectors/envelope-1, which Python reads too, and what is refused. */

import { describe, expect, it } from "vitest";

import { fromHex, hex } from "../../../frontend/src/bytes";
import { collected, decrypt, encrypt, encryptedLength, encryptWith, Kind, paddedLength } from "../../../frontend/src/crypto/envelope";
import {
  checkOpening,
  commitmentOf,
  commitmentOfHash,
  decryptOpening,
  encryptOpening,
  MAX_OPENING_BYTES,
  newOpening,
  readOpening,
} from "../../../frontend/src/crypto/opening";
import { vectors } from "./vectors";

const KEY = Uint8Array.from({ length: 32 }, (_, index) => index);
const ENVELOPES = vectors("envelope-1").filter(({ envelope }) => envelope);

const bytesOf = async (blob: Blob): Promise<Uint8Array<ArrayBuffer>> => new Uint8Array(await blob.arrayBuffer());

async function open(vector: Record<string, string>): Promise<Uint8Array<ArrayBuffer>> {
  const kind = Number(vector.kind) as Kind;
  const source = new Blob([fromHex(vector.envelope!)]);
  const content = await bytesOf(await collected(decrypt(source, fromHex(vector.key!), kind)));
  if (kind === Kind.opening) readOpening(content);
  return content;
}

describe("an envelope", () => {
  const good = ENVELOPES.filter(({ name }) => name!.startsWith("good_"));
  const refused = ENVELOPES.filter(({ name }) => name!.startsWith("fail_"));

  it.each(good)("$name is read, and written to the same bytes", async (vector) => {
    const content = await open(vector);
    const chosen = { kind: Number(vector.kind), chunkBytes: 1024, noncePrefix: new TextEncoder().encode("prefix!") };

    expect(hex(content)).toBe(vector.plaintext);
    expect(hex(await bytesOf(await collected(encryptWith(new Blob([content]), KEY, chosen))))).toBe(vector.envelope);
  });

  it.each(refused)("$name is refused", async (vector) => {
    await expect(open(vector)).rejects.toMatchObject({ reason: vector.reason });
  });

  it("has vectors of both sorts", () => {
    expect(good.length).toBeGreaterThan(4);
    expect(refused.length).toBeGreaterThan(30);
  });

  it.each([0, 1, 1016, 1017, 262_136, 600_000])("of %i bytes comes back", async (size) => {
    const content = Uint8Array.from({ length: size }, (_, index) => index);
    const sealed = await collected(encrypt(new Blob([content]), KEY, Kind.file));

    expect(sealed.size).toBe(encryptedLength(size));
    expect(await bytesOf(await collected(decrypt(sealed, KEY, Kind.file)))).toEqual(content);
  });

  it("hides the last bits of the size", () => {
    const lengths = new Set(Array.from({ length: 30_000 }, (_, more) => paddedLength(1_000_000 + more)));

    expect(lengths.size).toBeLessThan(4);
    expect(paddedLength(0)).toBe(1024);
  });

  it("needs a key of 32 bytes and chunks of a power of two", async () => {
    await expect(collected(encrypt(new Blob([]), new Uint8Array(16), Kind.file))).rejects.toThrow("found 16");
    await expect(collected(encrypt(new Blob([]), KEY, Kind.file, 1000))).rejects.toThrow("found 1000");
  });
});

describe("an opening", () => {
  it("travels under the same key", async () => {
    const opening = newOpening('{"label":"glioma"}');
    const sealed = await encryptOpening(opening, KEY);

    expect(await decryptOpening(sealed, KEY)).toEqual(opening);
    await expect(collected(decrypt(sealed, KEY, Kind.file))).rejects.toMatchObject({ reason: "kind" });
  });

  it("proves the file", async () => {
    const opening = { salt: new Uint8Array(32), manifest: "{}" };
    const picture = new Blob(["picture"]);
    const recorded = await commitmentOf(opening.salt, picture);

    expect(hex(recorded)).toBe("9aba9aee52b41756648ac82a4f624f5999bce53bd125d14e1127986f8d555313");
    await checkOpening(opening, picture, recorded);
    await expect(checkOpening(opening, new Blob(["another"]), recorded)).rejects.toMatchObject({ reason: "commitment" });
    expect(() => commitmentOfHash(new Uint8Array(1), new Uint8Array(32))).toThrow("32 bytes each");
  });

  it("has a largest size", async () => {
    await expect(encryptOpening(newOpening("a".repeat(MAX_OPENING_BYTES)), KEY)).rejects.toThrow("at most 1048576");
    await expect(decryptOpening(new Blob([new Uint8Array(2 * MAX_OPENING_BYTES)]), KEY)).rejects.toMatchObject({ reason: "size" });
  });
});
