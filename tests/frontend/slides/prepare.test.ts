import { inflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { isSlideFile, prepareSlide } from "../../../frontend/src/slides/prepare";
import { SlideError } from "../../../frontend/src/slides/slide-error";
import { limits } from "../samples";
import vectors from "./vectors.json";

const named = (name: string, file = "DOE^JANE.svs") => {
  const { input } = vectors.files.find((each) => each.name === name)!;
  return new File([new Uint8Array(inflateRawSync(Buffer.from(input, "base64")))], file);
};

describe("a chosen file", () => {
  it.each([
    ["a pyramid with text tags", true],
    ["a BigTIFF whose levels are SubIFDs", true],
    ["an Aperio slide without stated values", true],
    ["no pyramid, every tile the same bytes", true],
    // One picture in tiles of ordinary size, or none that can be read.
    ["a private tag", false],
    ["a loop of directories", false],
    ["no TIFF", false],
  ])("is taken for a slide by its first bytes and tags: %s", async (name, expected) => {
    expect(await isSlideFile(named(name), limits)).toBe(expected);
  });

  it("that is too large for an image is one, also where it is damaged", async () => {
    const small = { ...limits, maxBytes: 100 };
    expect(await isSlideFile(named("a loop of directories"), small)).toBe(true);
    expect(await isSlideFile(named("no TIFF"), small)).toBe(false);
    expect(await isSlideFile(new File([], "empty.tif"), small)).toBe(false);
  });

  it("that is a slide leaves the page without identifiers, and without its own name", async () => {
    const { file, levels, removed } = await prepareSlide(named("a pyramid with text tags"), limits.maxSlideBytes);
    expect([file.name, file.type]).toEqual(["slide.tif", "image/tiff"]);
    expect(levels.map(({ width, height }) => [width, height])).toEqual([[96, 80], [48, 40], [24, 20]]);
    expect([...removed.removed.keys()]).toEqual(["ImageDescription", "Software", "DateTime"]);
    expect(Buffer.from(await file.arrayBuffer()).includes("DOE")).toBe(false);
  });

  it("that is larger than a slide may be is refused before it is read", async () => {
    const found = prepareSlide(named("a pyramid with text tags"), 1_000);
    await expect(found).rejects.toThrow("expected a slide of at most 1,000 bytes, found ");
    await expect(found).rejects.toBeInstanceOf(SlideError);
  });
});
