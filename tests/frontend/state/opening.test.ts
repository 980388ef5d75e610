import { sha256 } from "viem/utils";
import { describe, expect, it } from "vitest";
import { openingOf, OpeningRefused } from "../../../frontend/src/state/opening";
import { sealed } from "../records";
import { CID } from "../samples";

const manifest = {
  image: { cid: CID },
  model: { sha256: "a".repeat(64) },
  label: "glioma",
  labelCode: 1,
  confidence: 0.9,
  probabilities: { glioma: 0.9, notumor: 0.1 },
  abstained: false,
  salt: "5".repeat(64),
};
const encoded = (value: unknown) => new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));

/** What comes of a file with this content, when the chain has its hash. */
function opened(value: unknown) {
  const content = encoded(value);
  return openingOf(content, CID, sealed({ manifestHash: sha256(content) }));
}

describe("an opening", () => {
  it("tells what was sealed", () => {
    const { label, labelCode, confidence, probabilities, abstained } = manifest;
    expect(opened(manifest)).toEqual({ label, labelCode, confidence, probabilities, abstained });
  });

  it("is refused when one byte is another", () => {
    const diagnosis = sealed({ manifestHash: sha256(encoded(manifest)) });
    const changed = encoded({ ...manifest, confidence: 0.8 });
    expect(() => openingOf(changed, CID, diagnosis)).toThrow(OpeningRefused);
    expect(() => openingOf(changed, CID, diagnosis)).toThrow(`Its SHA-256 is ${sha256(changed)}; the chain has`);
  });

  it.each([
    ["another image", { ...manifest, image: { cid: "bafkreiother" } }],
    ["another model", { ...manifest, model: { sha256: "b".repeat(64) } }],
    ["no image", { ...manifest, image: null }],
    ["nothing at all", null],
  ])("is refused when it has the right hash, but describes %s", (_, value) => {
    expect(() => opened(value)).toThrow("describes a different image or model");
  });

  it.each([
    ["a label that is no text", { label: 1 }],
    ["a code that is no whole number", { labelCode: 1.5 }],
    ["a confidence above one", { confidence: 1.1 }],
    ["a probability that is text", { probabilities: { glioma: "0.9" } }],
    ["no probabilities", { probabilities: {} }],
    ["null for probabilities", { probabilities: null }],
    ["no word on abstaining", { abstained: undefined }],
  ])("is refused with %s", (_, change) => {
    expect(() => opened({ ...manifest, ...change })).toThrow("is not a manifest");
  });

  it("is refused when it is not JSON, or no text", () => {
    expect(() => opened("{")).toThrow("is not JSON");
    const content = new Uint8Array([0xff, 0xfe]);
    expect(() => openingOf(content, CID, sealed({ manifestHash: sha256(content) }))).toThrow("is not JSON");
  });
});
