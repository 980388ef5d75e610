/** The page's frames have the bytes that Python gives. */

import { inflateRawSync } from "node:zlib";
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { deidentify } from "../../../frontend/src/dicom/deidentify";
import { DicomError } from "../../../frontend/src/dicom/dicom-error";
import { read } from "../../../frontend/src/dicom/elements";
import { framesOf } from "../../../frontend/src/dicom/frames";
import vectors from "./frames.json";

const keyOf = (bytes: Buffer<ArrayBuffer>) => crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
const key = await keyOf(Buffer.from(vectors.key, "hex"));
const inputOf = (input: string) => new Uint8Array(inflateRawSync(Buffer.from(input, "base64")));
const cleanOf = async (name: keyof typeof vectors.files) => (await deidentify(inputOf(vectors.files[name].input), key)).content;

async function all(content: Uint8Array<ArrayBuffer>): Promise<Uint8Array[]> {
  const found = [];
  for await (const frame of framesOf(await read(content))) found.push(frame.content);
  return found;
}

/** The file with other digits of Number of Frames. */
function withFrames(content: Uint8Array<ArrayBuffer>, old: string, frames: string): Uint8Array<ArrayBuffer> {
  const at = Buffer.from(content).indexOf(Buffer.from(`\x28\0\x08\0IS\x02\0${old}`, "latin1"));
  const made = content.slice();
  made.set(Buffer.from(frames), at + 8);
  return made;
}

describe("a file of several frames", () => {
  it.each(Object.entries(vectors.files))("%s becomes the files that Python gives", async (_, { input, frames }) => {
    const made = await deidentify(inputOf(input), key);
    const parts = [];
    for await (const frame of framesOf(made.file)) parts.push(frame.content);
    expect(await all(made.content)).toEqual(parts);
    const found = parts.map((content) => createHash("sha256").update(content).digest("hex"));
    expect(found).toEqual(frames);
    expect(made.frames).toBe(frames.length);
  });

  it("keeps its frames when another sender has made them", async () => {
    const [frame] = await all(await cleanOf("enhanced"));
    const other = await deidentify(frame as Uint8Array<ArrayBuffer>, await keyOf(Buffer.alloc(32)));
    expect(other.unchanged).toBe(true);
    expect(other.content).toEqual(frame);
  });

  it.each([
    ["fewer pixels than frames", "classic", "3 ", "9 ", "expected the pixels of 9 frames in a DICOM file, found fewer"],
    ["no frames", "classic", "3 ", "0 ", "expected a DICOM file of at most 2000 frames, found 0"],
    ["fewer compressed data than frames", "jpeg", "2 ", "3 ", "expected the compressed data of 3 frames in a DICOM file, found others"],
  ] as const)("is refused with %s", async (_, name, old, frames, message) => {
    const content = withFrames(await cleanOf(name), old, frames);
    await expect(all(content)).rejects.toThrow(message);
    await expect(all(content)).rejects.toBeInstanceOf(DicomError);
  });

  it("is refused where its table of offsets lies", async () => {
    const content = await cleanOf("jpeg with offsets");
    const at = Buffer.from(content).indexOf(Buffer.from([0xfe, 0xff, 0, 0xe0, 8, 0, 0, 0])) + 8;
    content.set([...content.slice(at + 4, at + 8), ...content.slice(at, at + 4)], at);
    await expect(all(content)).rejects.toThrow("expected the compressed data of 2 frames");
  });
});
