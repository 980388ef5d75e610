import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  barOf,
  colourOf,
  fieldsOf,
  fieldsOfManifest,
  SLIDE_KEYS,
  slideActionOf,
  slideText,
  summaryOf,
  textOf,
  type Field,
} from "../../../frontend/src/state/slide";
import { classification } from "../samples";

const field = (label: string, labelCode: number, confidence = 0.9): Field => ({
  x: 0,
  y: 0,
  width: 700,
  height: 460,
  label,
  labelCode,
  confidence,
  abstained: labelCode === 0,
});
const [malignant, benign, none] = [field("malignant", 2, 0.876), field("benign", 1), field("abstained", 0)];

describe("the fields of a slide", () => {
  it("are counted by their answers, the most frequent first", () => {
    expect(summaryOf([benign, malignant, none, malignant])).toBe("4 fields: 2 malignant, 1 benign, 1 without an answer");
    expect(summaryOf([none])).toBe("1 field: 1 without an answer");
  });

  it("have their answer in words, and no share where there is none", () => {
    expect([malignant, none].map(textOf)).toEqual(["Malignant, 87.6\u00a0%", "No answer"]);
  });

  it("have a colour for each label, whatever its code", () => {
    expect([benign, malignant, none, field("other", 5), field("x", 8)].map(colourOf)).toEqual(["of-1", "of-2", "none", "of-1", "of-4"]);
  });

  it("come with a result, and an image that is no slide has none", () => {
    expect(fieldsOf({ ...classification, tiles: [malignant] })).toEqual([malignant]);
    expect(fieldsOf(classification)).toEqual([]);
    expect(fieldsOf(null)).toEqual([]);
  });

  it("come from a manifest that has the hash of the record only", () => {
    const content = new TextEncoder().encode(JSON.stringify({ tiles: { rule: "mean-of-fields/1", list: [malignant] } }));
    const hash = `0x${createHash("sha256").update(content).digest("hex")}` as const;
    expect(fieldsOfManifest(content, hash)).toEqual([malignant]);
    expect(fieldsOfManifest(content, `0x${"0".repeat(64)}`)).toEqual([]);
  });
});

describe("the bar of known length", () => {
  it.each([
    [0.25, 0.05, 400, "500\u00a0µm", 100],
    [0.25, 1, 400, "20\u00a0µm", 80],
    [0.25, 0.004, 400, "5\u00a0mm", 80],
    [0.5, 4, 100, "2\u00a0µm", 16],
  ])("of %d µm a pixel at %d in %d CSS pixels is %s", (micrometres, scale, stage, text, width) => {
    expect(barOf(micrometres, scale, stage)).toEqual({ text, width: expect.closeTo(width, 6) as number });
  });

  it("is left out where the size of a pixel is not known, or nothing is shown yet", () => {
    expect(barOf(null, 1, 400)).toBeNull();
    expect(barOf(0.25, 0, 400)).toBeNull();
  });
});

describe("a slide in words", () => {
  it("has its size and levels", () => {
    expect(slideText([{ width: 45_000, height: 30_000 }, { width: 100, height: 60 }])).toBe("45,000 × 30,000 pixels in 2 levels");
    expect(slideText([{ width: 9_000, height: 6_000 }])).toBe("9,000 × 6,000 pixels in one level");
  });
});

describe("a key on the slide", () => {
  it("does what is said of it", () => {
    expect(["+", "-", "ArrowLeft", "0", "R", "f"].map(slideActionOf)).toEqual(["zoom-in", "zoom-out", "left", "whole", "rotate", "full-screen"]);
    expect(["Tab", "x", "toString"].map(slideActionOf)).toEqual([null, null, null]);
    expect(SLIDE_KEYS).toHaveLength(5);
  });
});
