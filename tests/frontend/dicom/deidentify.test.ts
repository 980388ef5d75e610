/** The page's de-identification gives the bytes that Python gives, and nothing that was planted survives it. */

import { inflateRawSync } from "node:zlib";
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { deidentify } from "../../../frontend/src/dicom/deidentify";
import { DicomError } from "../../../frontend/src/dicom/dicom-error";
import vectors from "./vectors.json";

const key = await crypto.subtle.importKey(
  "raw",
  Buffer.from(vectors.key, "hex"),
  { name: "HMAC", hash: "SHA-256" },
  false,
  ["sign"],
);

const inputOf = (input: string) => new Uint8Array(inflateRawSync(Buffer.from(input, "base64")));
const sum = (counts: Map<string, number>) => [...counts.values()].reduce((one, other) => one + other, 0);

describe("a file of the corpus", () => {
  it.each(vectors.files.map((file, number) => ({ ...file, number })))(
    "$number loses what Python removes, and nothing else",
    async ({ input, output, report, planted }) => {
      const made = await deidentify(inputOf(input), key);

      expect(createHash("sha256").update(made.content).digest("hex")).toBe(output);
      expect({
        removed: sum(made.report.removed),
        replaced: sum(made.report.replaced),
        cleaned: sum(made.report.cleaned),
      }).toEqual(report);
      const clean = Buffer.from(made.content);
      const survived = planted.filter((text) =>
        (["latin1", "utf16le"] as const).some((encoding) => clean.includes(Buffer.from(text, encoding))),
      );
      expect(survived).toEqual([]);
    },
  );

  it("is the same once more", async () => {
    const made = await deidentify(inputOf(vectors.files[0]!.input), key);
    const again = await deidentify(inputOf(vectors.files[0]!.input), key);
    expect(again.content).toEqual(made.content);
    expect(again.instance).toMatch(/^2\.25\.\d+$/);
    expect([...again.uids.values()]).toContain(again.instance);
  });
});

describe("a file that these rules made", () => {
  const other = crypto.subtle.importKey("raw", Buffer.alloc(32), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);

  it("stays as it is for every sender", async () => {
    for (const { input } of vectors.files.filter((_, number) => number % 9 === 0)) {
      const made = await deidentify(inputOf(input), key);
      const again = await deidentify(made.content, await other);
      expect(again.unchanged).toBe(true);
      expect(again.content).toEqual(made.content);
      expect([again.instance, again.likeness, again.patient]).toEqual([made.instance, made.likeness, made.patient]);
      expect(sum(again.report.removed) + sum(again.report.replaced) + sum(again.report.cleaned)).toBe(0);
    }
  });

  it("is de-identified where it only says so", async () => {
    const { content, instance } = await deidentify(inputOf(vectors.files[0]!.input), key);
    const at = Buffer.from(content).lastIndexOf(instance);
    content.set(Buffer.from("1"), at);
    const again = await deidentify(content, key);
    expect(again.unchanged).toBe(false);
    expect(again.instance).not.toBe(instance);
  });
});

describe("what is no DICOM image", () => {
  const dicom = (...rest: number[]) => new Uint8Array([...new Array<number>(128).fill(0), 68, 73, 67, 77, ...rest]);
  const level = [8, 0, 0x40, 0x11, 0x53, 0x51, 0, 0, 255, 255, 255, 255, 0xfe, 255, 0, 0xe0, 255, 255, 255, 255];

  it.each([
    ["an empty file", new Uint8Array(), "found a DICOM object without pixel data"],
    ["nothing but its beginning", dicom(), "found a DICOM object without pixel data"],
    ["a length that lies", dicom(8, 0, 8, 0, 67, 83, 255, 255), "cut off or damaged at (0008,0008)"],
    ["a sequence without end", dicom(...level.slice(0, 12)), "cut off or damaged at (FFFE,E0DD)"],
    ["sequences in sequences", dicom(...Array.from({ length: 30 }, () => level).flat()), "at most 16 levels"],
  ])("%s is refused", async (_, content, message) => {
    await expect(deidentify(content, key)).rejects.toThrow(message);
    await expect(deidentify(content, key)).rejects.toBeInstanceOf(DicomError);
  });
});
