import { inflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { hasFrames, isDicom, NoImage, prepare, prepareSlices } from "../../../frontend/src/dicom/prepare";
import frames from "./frames.json";
import opened from "../../../docs/vectors/map/opened.json";
import vectors from "./vectors.json";

const PNG = [0x89, 80, 78, 71, 13, 10, 26, 10];
const first = vectors.files[1]!;
const content = new Uint8Array(inflateRawSync(Buffer.from(first.input, "base64")));

describe("a chosen file", () => {
  it("that is DICOM loses its identifiers and its name, whatever its type says", async () => {
    const { file, removed, maskable, originals } = await prepare(new File([content], "DOE^JANE.png", { type: "image/png" }));
    expect(file.name).toMatch(/^2\.25\.\d+\.dcm$/);
    expect(file.type).toBe("application/dicom");
    expect(maskable).toBe(true);
    expect(removed!.removed.get("(0010,1040) Patient's Address")).toBe(1);
    const clean = Buffer.from(await file.arrayBuffer());
    expect(first.planted.filter((text) => clean.includes(text))).toEqual([]);
    expect(originals).toBeNull();
  });

  it("that had a study is in the sender's map, with the hash of what leaves the page", async () => {
    const named = new Uint8Array(Buffer.from(opened.dicom[0]!, "base64"));
    const { file, originals } = await prepare(new File([named], "a"));
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
    expect(originals?.files).toEqual([Buffer.from(digest).toString("hex")]);
    expect(originals).toMatchObject({ study: "1.2.840.1", attributes: { PatientName: "Müller^Jörg" } });
    expect((await prepare(file)).originals).toBeNull();
  });

  it.each([
    [[0.5, 0.25], "expected square pixels, as models were trained on, found 0.5 by 0.25: resample the image first"],
    [[0.5, 0.502], null],
  ])("with pixels of %s mm", async ([height, width], message) => {
    const text = `${height}\\${width}`.padEnd(10);
    const spaced = new Uint8Array(Buffer.from(opened.dicom[0]!, "base64"));
    const at = Buffer.from(spaced).indexOf(Buffer.from([0x28, 0, 0, 1, 0x55, 0x53]));
    const spacing = Buffer.concat([Buffer.from([0x28, 0, 0x30, 0, 0x44, 0x53, 10, 0]), Buffer.from(text)]);
    const file = new File([spaced.subarray(0, at), spacing, spaced.subarray(at)], "a");
    if (message) await expect(prepare(file)).rejects.toThrow(message);
    else expect((await prepare(file)).removed).not.toBeNull();
  });

  it("gets the same new name each time from the same browser", async () => {
    const [one, other] = await Promise.all([prepare(new File([content], "a")), prepare(new File([content], "b"))]);
    expect(one.file.name).toBe(other.file.name);
  });

  it("that is another picture stays as it is", async () => {
    const file = new File([new Uint8Array(PNG)], "a.txt");
    expect(await prepare(file)).toEqual({ file, removed: null, maskable: true, originals: null });
  });

  it.each([
    ["a text", "Doe, Jane", "This is neither DICOM nor PNG, JPEG, TIFF, BMP or WebP. It stays on this computer."],
    ["a PDF", "%PDF-1.7", "This is neither DICOM nor PNG, JPEG, TIFF, BMP or WebP. It stays on this computer."],
    ["a program", "MZ\x90\0", "This is neither DICOM nor PNG, JPEG, TIFF, BMP or WebP. It stays on this computer."],
    ["an empty file", "", "This is neither DICOM nor PNG, JPEG, TIFF, BMP or WebP. It stays on this computer."],
    ["a volume", `${"\0".repeat(344)}n+1\0`, "This is a NIfTI volume. `scanproof classify` reads volumes slice by slice"],
    ["a NIfTI-2 volume", "\x1c\x02\0\0n+2\0\r\n\x1a\n", "This is a NIfTI volume."],
  ])("that is %s does not leave the page, whatever its name says", async (_, text, message) => {
    const file = new File([text], "a.png", { type: "image/png" });
    await expect(prepare(file)).rejects.toThrow(message);
    await expect(prepare(file)).rejects.toBeInstanceOf(NoImage);
    await expect(prepareSlices(new Uint8Array(Buffer.from(text)), 1)).rejects.toThrow(message);
  });

  it("that is a compressed volume does not leave the page", async () => {
    const file = new File([new Uint8Array([0x1f, 0x8b, 8])], "head.nii.gz");
    await expect(prepare(file)).rejects.toThrow("choose the DICOM series that it was made of, or its slices as PNG files");
  });

  it("whose pixels are of a kind that no model sees is refused at once", async () => {
    const wide = Buffer.from(content);
    wide.writeUInt16LE(32, wide.indexOf(Buffer.from([0x28, 0, 0, 1, 0x55, 0x53, 2, 0])) + 8);
    await expect(prepare(new File([wide], "dose.dcm"))).rejects.toThrow("expected pixels of 1, 8 or 16 bits, found 32 bits");
  });

  it("of a study gets a name that says nothing", async () => {
    const pictures = [PNG, [0xff, 0xd8, 0xff], [0x49, 0x49, 0x2a, 0], [0x42, 0x4d], [...Buffer.from("RIFF0000WEBP")]];
    const names = [];
    for (const [place, bytes] of pictures.entries()) {
      const { slices, place: where } = await prepareSlices(new Uint8Array(bytes), place + 1);
      expect(where).toBeNull();
      for await (const { name, content: kept } of slices()) {
        names.push(name);
        expect([...kept]).toEqual(bytes);
      }
    }
    expect(names).toEqual(["slice-0001.png", "slice-0002.jpg", "slice-0003.tif", "slice-0004.bmp", "slice-0005.webp"]);
  });

  it("of several frames is known before it is read whole", async () => {
    const loop = new Uint8Array(inflateRawSync(Buffer.from(frames.files.classic.input, "base64")));
    expect(await hasFrames(new File([loop], "a"))).toBe(true);
    expect(await hasFrames(new File([content], "a"))).toBe(false);
    expect(await hasFrames(new File([content.slice(0, 200)], "a"))).toBe(false);
    expect(await hasFrames(new File([new Uint8Array(PNG)], "a"))).toBe(false);
  });

  it.each([
    ["with a preamble", content.slice(0, 132), true],
    ["without one, explicit", Uint8Array.from([8, 0, 5, 0, 67, 83, 10, 0]), true],
    ["without one, implicit", Uint8Array.from([8, 0, 5, 0, 10, 0, 0, 0]), true],
    ["without one, big-endian", Uint8Array.from([0, 8, 0, 5, 67, 83, 0, 10]), true],
    ["a PNG", Uint8Array.from([0x89, 80, 78, 71, 13, 10, 26, 10]), false],
    ["too short", Uint8Array.from([8, 0]), false],
    ["a long first element", Uint8Array.from([8, 0, 5, 0, 67, 83, 255, 0]), false],
  ])("is recognised by its first bytes: %s", (_, head, expected) => {
    expect(isDicom(head)).toBe(expected);
  });
});
