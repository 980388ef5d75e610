import { describe, expect, it } from "vitest";
import { modelResultOf, currentLabel, labelText, nextSteps, outcomeOf } from "../../../frontend/src/state/diagnosis-status";
import { diagnosis, model, sealed } from "../records";

const opening = { label: "glioma", labelCode: 1, confidence: 0.9, probabilities: { glioma: 0.9 }, abstained: false };
const texts = (...given: Parameters<typeof nextSteps>) => nextSteps(...given).map(({ text }) => text);

describe("what holds of a diagnosis", () => {
  it("is the model's answer, until a review says otherwise", () => {
    expect(currentLabel(diagnosis())).toBe("glioma");
    expect(currentLabel(diagnosis({ status: "overridden", current: { label: "notumor", labelText: "No tumour found", labelCode: 4 } }))).toBe("notumor");
  });

  it("is nothing after a withdrawal, opened or not", () => {
    const withdrawn = { status: "withdrawn", current: null } as const;
    expect(currentLabel(diagnosis(withdrawn))).toBeNull();
    expect(currentLabel(sealed(withdrawn), opening)).toBeNull();
  });

  it("is known of a sealed one only with its opening, and never once it was overridden", () => {
    expect(currentLabel(sealed())).toBeNull();
    expect(currentLabel(sealed({ status: "confirmed" }), opening)).toBe("glioma");
    expect(currentLabel(sealed({ status: "overridden" }), opening)).toBeNull();
  });
});

describe("the outcome of a record", () => {
  it("is its valid label, or why there is none", () => {
    expect(outcomeOf(undefined)).toBe("Image without diagnosis");
    expect(outcomeOf(diagnosis({ status: "withdrawn", current: null }))).toBe("Withdrawn diagnosis");
    expect(outcomeOf(sealed())).toBe("Sealed diagnosis");
    const silent = { label: "abstained", labelText: "No answer", labelCode: 0 };
    expect(outcomeOf(diagnosis({ ...silent, status: "abstained", current: silent }))).toBe("No answer");
  });
});

describe("the model's own answer", () => {
  it("stays what it was, whatever a review says", () => {
    expect(modelResultOf(diagnosis({ status: "overridden", current: { label: "notumor", labelText: "No tumour found", labelCode: 4 } }))).toEqual({
      label: "glioma",
      labelCode: 1,
      confidence: 0.98,
    });
  });

  it("is not shown while it is sealed", () => {
    expect(modelResultOf(sealed())).toBeNull();
    expect(modelResultOf(sealed(), opening)).toBe(opening);
  });
});

describe("next steps", () => {
  it("follow the label that holds now", () => {
    expect(texts(diagnosis(), model)).toEqual(["A radiologist reads the study."]);
    expect(texts(diagnosis({ status: "overridden", current: { label: "abstained", labelText: "No answer", labelCode: 0 } }), model)).toEqual([
      "Try another slice.",
    ]);
  });

  it("are none after a withdrawal, of a sealed diagnosis, and of a model that is not installed", () => {
    expect(texts(diagnosis({ status: "withdrawn", current: null }), model)).toEqual([]);
    expect(texts(sealed(), model)).toEqual([]);
    expect(texts(diagnosis(), null)).toEqual([]);
  });

  it("come with the opening", () => {
    expect(texts(sealed(), model, opening)).toEqual(["A radiologist reads the study."]);
  });
});

describe("words of a label", () => {
  it("are the model's, or the label's own", () => {
    expect(labelText("notumor", model)).toBe("No tumour found");
    expect(labelText("some-thing", null)).toBe("Some thing");
    expect(labelText("abstained", model)).toBe("No answer");
  });
});
