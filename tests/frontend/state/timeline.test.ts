import { describe, expect, it } from "vitest";
import { timelineOf } from "../../../frontend/src/state/timeline";
import { block, diagnosis, lineage, model, record, review, sealed } from "../records";
import { hash, OTHER, UPLOADER } from "../samples";

const titles = (...given: Parameters<typeof timelineOf>) => timelineOf(...given).map(({ title }) => title);

describe("the timeline", () => {
  it("has every step in the order of the chain", () => {
    const reviewed = diagnosis({
      status: "withdrawn",
      reviews: [
        review({ verdict: "overridden", label: "notumor", labelCode: 4 }),
        review({ verdict: "withdrawn", label: null, labelCode: 0, supersedes: hash("e"), block: block(8) }),
      ],
    });

    expect(titles(record([reviewed]), [lineage], [model])).toEqual([
      "Model registered: brain-mri",
      "Image registered",
      "Diagnosis recorded: Glioma, 98.0\u00a0%",
      "Overridden: No tumour found",
      "Withdrawn by a clinician",
      "Model retired: brain-mri",
    ]);
  });

  it("puts the image before its diagnosis where one transaction holds both", () => {
    const kinds = timelineOf(record([diagnosis({ block: block(4) })]), [], []).map(({ kind }) => kind);
    expect(kinds).toEqual(["image", "diagnosis"]);
  });

  it("names who did it, and as what", () => {
    const steps = timelineOf(record([diagnosis({ reviews: [review()] })]), [lineage], [model]);
    expect(steps.map(({ who }) => who)).toEqual([
      ["Model admin", OTHER],
      ["Uploader", UPLOADER],
      ["Signed by the classifier", OTHER],
      ["Reviewer", OTHER],
      ["Model admin", OTHER],
    ]);
  });

  it("says what a review supersedes, and why it was given", () => {
    const first = review({ statement: "Seen on the next slice too." });
    const second = review({ supersedes: first.reviewId, block: block(7) });
    const [one, other] = timelineOf(record([diagnosis({ reviews: [first, second] })]), [], []).slice(2);

    expect([one!.reason, other!.reason]).toEqual(["Seen on the next slice too.", null]);
    expect(one!.facts).toContainEqual(["Supersedes the diagnosis", hash("d")]);
    expect(other!.facts).toContainEqual(["Supersedes the review", first.reviewId]);
  });

  it("tells nothing of what is sealed", () => {
    const overridden = sealed({
      status: "overridden",
      reviews: [review({ verdict: "overridden", label: "sealed", labelCode: 65_535 })],
    });
    expect(titles(record([overridden]), [], [model]).slice(1)).toEqual(["Diagnosis recorded: sealed", "Overridden"]);
  });

  it("gives an abstention no confidence", () => {
    const silent = diagnosis({ label: "abstained", labelCode: 0, confidence: 0.4 });
    expect(titles(record([silent]), [], [model])[1]).toBe("Recorded without an answer of the model");
  });
});
