import { inflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { isDicom, prepare } from "../../../frontend/src/dicom/prepare";
import vectors from "./vectors.json";

const first = vectors.files[1]!;
const content = new Uint8Array(inflateRawSync(Buffer.from(first.input, "base64")));

describe("a chosen file", () => {
  it("that is DICOM loses its identifiers and its name, whatever its type says", async () => {
    const { file, removed } = await prepare(new File([content], "DOE^JANE.png", { type: "image/png" }));
    expect(file.name).toMatch(/^2\.25\.\d+\.dcm$/);
    expect(file.type).toBe("application/dicom");
    expect(removed!.removed.get("(0010,1040) Patient's Address")).toBe(1);
    const clean = Buffer.from(await file.arrayBuffer());
    expect(first.planted.filter((text) => clean.includes(text))).toEqual([]);
  });

  it("gets the same new name each time from the same browser", async () => {
    const [one, other] = await Promise.all([prepare(new File([content], "a")), prepare(new File([content], "b"))]);
    expect(one.file.name).toBe(other.file.name);
  });

  it("that is no DICOM stays as it is", async () => {
    const file = new File(["no image"], "a.txt");
    expect(await prepare(file)).toEqual({ file, removed: null });
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
