import { describe, expect, it } from "vitest";
import type { Kind } from "../../../frontend/src/api/types";
import { kindRows, magnificationWarning, NOTHING_KNOWN } from "../../../frontend/src/state/kind";
import { searchOf } from "../../../frontend/src/state/search";

const slice: Kind = {
  modality: { value: "MR", source: "dicom", by: null, others: [] },
  bodyPart: { value: "BRAIN", source: "recognised", by: "modality-gate 1.0.0", others: [] },
  sequence: { value: "t1-post-contrast", source: "dicom", by: null, others: [] },
  magnification: { value: null, source: "unknown", by: null, others: [] },
};
const section = (value: string): Kind => ({
  ...NOTHING_KNOWN,
  modality: { value: "SM", source: "recognised", by: "modality-gate 1.0.0", others: [] },
  magnification: { value, source: "uploader", by: null, others: [] },
});
const shown = (kind: Kind): string[] => kindRows(kind).map(({ title, text, source }) => `${title}: ${text} (${source})`);

describe("the kind of an image", () => {
  it("names each value with its source", () => {
    expect(shown(slice)).toEqual([
      "Modality: MR: magnetic resonance (DICOM attribute)",
      "Body part: BRAIN (recognised by modality-gate 1.0.0)",
      "Sequence: T1, after contrast (DICOM attribute)",
    ]);
  });

  it("has a magnification for sections and no sequence", () => {
    expect(shown(section("400"))).toEqual([
      "Modality: SM: slide microscopy (recognised by modality-gate 1.0.0)",
      "Body part: Unknown ()",
      "Magnification: 400X (said by the uploader)",
    ]);
  });

  it("has what other sources say beside it", () => {
    const both: Kind = {
      ...section("400"),
      modality: { value: "CT", source: "dicom", by: null, others: [{ value: "SM", source: "recognised", by: "modality-gate 1.0.0" }] },
      magnification: { value: "400", source: "uploader", by: null, others: [{ value: "100", source: "uploader", by: null }] },
    };
    expect(kindRows(both).map(({ others }) => others)).toEqual([
      [{ text: "SM: slide microscopy", source: "recognised by modality-gate 1.0.0" }],
      [],
      [{ text: "100X", source: "said by the uploader" }],
    ]);
    expect(magnificationWarning(100, both)).toBe(
      "This model is for images at 100X; this image was stated to be at 400X and at 100X.",
    );
    expect(magnificationWarning(null, both)).toBeNull();
  });

  it("says of everything that it is unknown", () => {
    expect(kindRows(NOTHING_KNOWN).map(({ text }) => text)).toEqual(["Unknown", "Unknown", "Unknown", "Unknown"]);
  });

  it("shows a term that it has no words for as it is", () => {
    expect(shown({ ...slice, modality: { value: "XC", source: "dicom", by: null, others: [] } })[0]).toBe("Modality: XC (DICOM attribute)");
  });
});

describe("the magnification that a model knows", () => {
  it("is named where that of the image is unknown or another one", () => {
    expect(magnificationWarning(100, NOTHING_KNOWN)).toBe("This model is for images at 100X; that of this image is unknown.");
    expect(magnificationWarning(100, section("400"))).toBe("This model is for images at 100X; this image was stated to be at 400X.");
  });

  it("needs no word where it is the same, or means nothing", () => {
    expect(magnificationWarning(100, section("100"))).toBeNull();
    expect(magnificationWarning(null, NOTHING_KNOWN)).toBeNull();
  });
});

it("is a part of a search", () => {
  const address = "modality=MR&bodyPart=BRAIN&sequence=flair&magnification=unknown";
  expect(searchOf(new URLSearchParams(address))).toEqual({
    modality: "MR",
    bodyPart: "BRAIN",
    sequence: "flair",
    magnification: "unknown",
  });
});
