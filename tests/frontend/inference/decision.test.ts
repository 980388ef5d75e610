import { describe, expect, it } from "vitest";
import { decide, decideModality, softmax, type Metadata } from "../../../frontend/src/inference/decision";
import { arrayOf, outlierScore, readDetector } from "../../../frontend/src/inference/detector";
import type { Picture } from "../../../frontend/src/inference/pillow";
import { bundleFile, floats, metadataOf, vectors } from "./vectors";

const BLACK: Picture = { width: 2, height: 2, channels: 1, data: new Uint8Array(4) };
const GATE = metadataOf("modality-gate");

describe("label or abstention, in words, and confidence are Python's", () => {
  it.each(vectors)("$name", async ({ picture, answer }) => {
    const detector = await readDetector(bundleFile("detector.npz"));
    const decision = decide(metadataOf("brain-mri"), picture, answer.logits, outlierScore(detector, floats(answer.features)));

    expect([decision.label, decision.reason, decision.abstained]).toEqual([answer.label, answer.reason, answer.reason !== null]);
    expect(decision.oodScore).toBeCloseTo(answer.oodScore, 3);
    expect(decision.confidence).toBeCloseTo(answer.confidence, 5);
    for (const [label, probability] of Object.entries(answer.probabilities)) {
      expect(decision.probabilities[label]).toBeCloseTo(probability, 5);
    }
  });
});

describe("the limits", () => {
  it("of confidence", () => {
    expect(decide(metadataOf("brain-mri"), BLACK, [1, 1, 1, 1], 0.5)).toMatchObject({
      label: "abstained",
      labelText: "No answer",
      reason: "no class is probable enough: the highest is 0.25, the limit 0.50",
    });
  });

  it("of the score, which is compared with four decimals", () => {
    const { score } = metadataOf("brain-mri").abstention!;
    const at = (found: number) => decide(metadataOf("brain-mri"), BLACK, [9, 0, 0, 0], found).abstained;
    expect([at(score! + 0.00004), at(score! + 0.0001)]).toEqual([false, true]);
  });

  it("a model without any never declines", () => {
    const free: Metadata = { ...metadataOf("brain-mri"), abstention: null };
    expect(decide(free, BLACK, [1, 1, 1, 1], 99)).toMatchObject({ label: "glioma", labelText: "Glioma", abstained: false });
  });
});

describe("the gate", () => {
  it("names a modality", () => {
    expect(decideModality(GATE, BLACK, [9, 0, 0])).toMatchObject({ label: "brain-mri", abstained: false });
  });

  it.each([
    ["another kind of image", [0, 0, 9]],
    ["no modality for certain", [1, 1, 1]],
  ])("declines for %s", (_, logits) => {
    const { label, reason, abstained } = decideModality(GATE, BLACK, logits);
    expect([label, reason, abstained]).toEqual(["abstained", "not recognised as a brain MRI or a breast-histology image", true]);
  });
});

it("one logit is the log-odds of the second class", () => {
  expect(softmax([Math.log(3)], 1)).toEqual([expect.closeTo(0.25, 12), expect.closeTo(0.75, 12)]);
  expect(softmax([2, 0], 2)[0]).toBeCloseTo(1 / (1 + Math.exp(-1)), 12);
});

describe("a detector is refused", () => {
  it.each([
    ["without one of its arrays", "means.npy", "other.npy", "expected the array means"],
    ["that is no ZIP", "PK", "??", "The ZIP is damaged."],
  ])("%s", async (_, before, after, message) => {
    const content = Buffer.from(bundleFile("detector.npz")).toString("latin1").replaceAll(before, after);
    await expect(readDetector(new Uint8Array(Buffer.from(content, "latin1")))).rejects.toThrow(message);
  });

  it("whose arrays are no float32", async () => {
    const header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }\n";
    const file = Uint8Array.from([0x93, ...Buffer.from("NUMPY"), 1, 0, header.length, 0, ...Buffer.from(header), ...new Uint8Array(8)]);
    expect(() => arrayOf(file)).toThrow("expected a NumPy array of float32");
    expect(() => arrayOf(new Uint8Array(3))).toThrow("expected a NumPy array of float32");
  });
});
