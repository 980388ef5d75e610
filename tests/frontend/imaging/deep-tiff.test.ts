/** Held against files that Pillow and tifffile wrote (tests/ml/preprocessing/deep_tiffs.py). */

import { createHash } from "node:crypto";
import { inflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { deepTiffRaster } from "../../../frontend/src/imaging/deep-tiff";
import { storedFormat } from "../../../frontend/src/imaging/formats";
import tiffs from "./tiffs.json";

const bytesOf = (input: string) => new Uint8Array(inflateRawSync(Buffer.from(input, "base64")));
const strips = bytesOf(tiffs.strips.input);

/** The file with another value of one of its tags, or with another tag in its place, in the directory itself. */
function changed(tag: number, value: number, name = tag): Uint8Array<ArrayBuffer> {
  const made = strips.slice();
  const view = new DataView(made.buffer);
  const start = view.getUint32(4, true);
  for (let at = start + 2; at < start + 2 + 12 * view.getUint16(start, true); at += 12) {
    if (view.getUint16(at, true) !== tag) continue;
    view.setUint16(at, name, true);
    view.setUint16(at + 8, value, true);
  }
  return made;
}

describe("a grey TIFF of 16 bits", () => {
  it.each(Object.entries(tiffs))("%s has the values that Python reads", async (_, { input, values }) => {
    const content = bytesOf(input);
    expect(storedFormat(content)).toBe("tiff");
    const raster = await deepTiffRaster(content);
    expect([raster.width, raster.height]).toEqual([83, 61]);
    const found = Buffer.from(raster.values.buffer);
    expect(createHash("sha256").update(found).digest("hex")).toBe(values);
  });

  it.each([
    ["8 bits", 258, 8, "grey pixels of 16 bits without a sign"],
    ["zero as white", 262, 0, "grey pixels of 16 bits without a sign"],
    ["JPEG", 259, 7, "a compression that this page reads, found 7"],
    ["no width", 256, 0, "1 to "],
    ["more lines than there are", 257, 900, "all parts of the picture, found fewer"],
    ["higher strips than there are", 278, 61, "a whole TIFF image, found one that is cut off"],
  ])("of another kind is left to the browser: %s", async (_, tag, value, message) => {
    await expect(deepTiffRaster(changed(tag, value))).rejects.toThrow(`expected a TIFF with ${message}`);
  });

  it("with a sign is left to the browser", async () => {
    await expect(deepTiffRaster(changed(296, 2, 339))).rejects.toThrow("grey pixels of 16 bits without a sign");
  });

  it("that is cut off or names what it lacks is refused", async () => {
    for (const length of [6, 20, 400]) await expect(deepTiffRaster(strips.slice(0, length))).rejects.toBeInstanceOf(RangeError);
  });

  it("with LZW codes that were never written is refused", async () => {
    const content = bytesOf(tiffs.LZW.input);
    content.fill(0xff, 20, 60);
    await expect(deepTiffRaster(content)).rejects.toBeInstanceOf(RangeError);
  });
});
