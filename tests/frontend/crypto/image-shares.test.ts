/** Threshold images: the vectors of docs/vectors/share-1, which Python combines too, and what is refused. */

import { describe, expect, it } from "vitest";

import { fromHex, hex } from "../../../frontend/src/bytes";
import { combine, readShare, split, type Share } from "../../../frontend/src/crypto/image-shares";
import { readPng, writePng } from "../../../frontend/src/crypto/noise-png";
import { isSealed, seal, unseal } from "../../../frontend/src/crypto/sealing";
import { newX25519Key, readRecipientKey } from "../../../frontend/src/crypto/wraps";
import { vectors } from "./vectors";

const CONTENT = Uint8Array.from({ length: 3000 }, (_, index) => index % 256);

interface Vector {
  name: string;
  pictures: string[];
  keys: string[];
  content: string;
  reason: string;
}

const VECTORS = vectors("share-1") as unknown as Vector[];

async function open({ pictures, keys }: Vector): Promise<Uint8Array> {
  const receivers = await Promise.all(keys.map(readRecipientKey));
  const shares = pictures.map(async (picture) => {
    const document = await readPng(fromHex(picture), 10_000);
    return readShare(isSealed(document) ? await unseal(document, receivers) : document);
  });
  return combine(await Promise.all(shares));
}

async function sharesOf(content: Uint8Array<ArrayBuffer>, compact: boolean): Promise<Share[]> {
  return Promise.all((await split(content, { shares: 10, threshold: 8, compact })).map(readShare));
}

/** All ways to take `count` of `values`. */
function choices<T>(values: readonly T[], count: number): T[][] {
  if (count === 0) return [[]];
  return values.flatMap((value, place) => choices(values.slice(place + 1), count - 1).map((rest) => [value, ...rest]));
}

describe.each([false, true])("shares, compact: %s", { timeout: 60_000 }, (compact) => {
  it("restore the file from all 45 choices of 8 of 10", async () => {
    const shares = await sharesOf(CONTENT, compact);
    const all = choices(shares, 8);

    expect(all.length).toBe(45);
    for (const choice of all) expect(await combine(choice)).toEqual(CONTENT);
    expect(await combine([...shares.reverse(), shares[0]!])).toEqual(CONTENT);
  });

  it("that a signer made wrong on purpose are refused", async () => {
    const shares = await sharesOf(CONTENT, compact);
    shares[3]!.payload[50]! ^= 1;

    await expect(combine(shares)).rejects.toMatchObject({ reason: "commitment" });
  });

  it("show every altered byte", async () => {
    const [document] = await split(CONTENT.slice(0, 7), { shares: 3, threshold: 2, compact });
    for (let place = 0; place < document!.length; place += 3) {
      const altered = document!.slice();
      altered[place]! ^= 1;
      await expect(readShare(altered)).rejects.toMatchObject({ reason: expect.stringMatching("altered|format") as string });
    }
  });
});

describe("shares", () => {
  it.each(VECTORS.filter(({ name }) => name.startsWith("good_")))("$name are combined", async (vector) => {
    expect(hex(await open(vector))).toBe(vector.content);
  });

  it.each(VECTORS.filter(({ name }) => name.startsWith("fail_")))("$name are refused", async (vector) => {
    await expect(open(vector)).rejects.toMatchObject({ reason: vector.reason });
  });

  it("of the smaller set are to blame", async () => {
    const [mine, others] = [await sharesOf(CONTENT, false), await sharesOf(CONTENT, false)];

    await expect(combine([others[8]!, ...mine])).rejects.toMatchObject({ reason: "sets", indexes: [9] });
    await expect(combine([...mine, { ...mine[2]!, payload: new Uint8Array(3) }])).rejects.toMatchObject({
      reason: "index",
      indexes: [3],
    });
    await expect(combine([])).rejects.toMatchObject({ reason: "threshold" });
  });

  it("have numbers that make sense", async () => {
    for (const numbers of [
      { shares: 10, threshold: 1 },
      { shares: 3, threshold: 4 },
      { shares: 256, threshold: 2 },
    ]) {
      await expect(split(CONTENT, numbers)).rejects.toThrow("expected 2 to 255 shares");
    }
    const large = new Uint8Array(32 * 1024 ** 2);
    await expect(split(large, { shares: 33, threshold: 33 })).rejects.toThrow("choose a lower threshold or compact shares");
  });

  it("are sealed to their receivers", async () => {
    const [mine, other] = [await newX25519Key(), await newX25519Key()];
    const [document] = await split(CONTENT, { shares: 2, threshold: 2 });
    const sealed = await seal(document!, mine.publicKey);

    expect(await unseal(sealed, [other.privateKey, mine.privateKey])).toEqual(document);
    await expect(unseal(sealed, [other.privateKey])).rejects.toMatchObject({ reason: "recipient" });
    await expect(unseal(sealed.slice(0, -1), [mine.privateKey])).rejects.toMatchObject({ reason: "altered" });
    await expect(unseal(document!, [mine.privateKey])).rejects.toMatchObject({ reason: "format" });
  });
});

describe("a picture of a share", () => {
  it.each([1, 255, 10_000, 131_400])("has the %i bytes as its pixels", async (length) => {
    const content = Uint8Array.from({ length }, (_, index) => (index * 31) % 256 || 1);
    const pixels = await readPng(writePng(content), 2 * length);

    expect(pixels.subarray(0, length)).toEqual(content);
    expect(pixels.subarray(length).every((byte) => byte === 0)).toBe(true);
  });

  it.each([
    ["it is no PNG file", (picture: Uint8Array<ArrayBuffer>) => picture.fill(0, 0, 4)],
    ["bytes follow its end", (picture: Uint8Array<ArrayBuffer>) => Uint8Array.of(...picture, 0)],
    ["the chunk IHDR is missing", (picture: Uint8Array<ArrayBuffer>) => picture.fill(2, 25, 26)],
    ["the chunk IDAT is missing", (picture: Uint8Array<ArrayBuffer>) => picture.fill(9, 60, 70)],
    ["the chunk IEND is missing", (picture: Uint8Array<ArrayBuffer>) => picture.slice(0, -12)],
    ["it has not 1 to 10 pixels", (picture: Uint8Array<ArrayBuffer>) => picture],
  ])("is refused: %s", async (message, change) => {
    await expect(readPng(change(writePng(CONTENT.slice(0, 100))), 10)).rejects.toThrow(message);
  });
});
