import { describe, expect, it } from "vitest";
import type { LedgerEntry } from "../../../frontend/src/api/types";
import { short } from "../../../frontend/src/format";
import { entryTitle } from "../../../frontend/src/state/timeline";
import { block } from "../records";
import { hash, IMAGE_ID, OTHER } from "../samples";

const written = {
  imageId: null,
  modelId: null,
  model: null,
  sealed: false,
  verdict: null,
  label: null,
  labelText: null,
  labelCode: null,
  confidence: null,
  classifier: null,
  compromisedSince: null,
  who: OTHER,
  transaction: { hash: hash("c"), explorerUrl: null },
  block: block(5),
} as const;
const model = { modelId: hash("a"), model: { name: "brain-mri", version: "1.1.0" } };
const said = { ...written, ...model, imageId: IMAGE_ID, sealed: false, label: "glioma", labelText: "Glioma", labelCode: 1 } as const;
const sealed = { sealed: true, label: "Sealed", labelText: "Known to whoever holds the opening", labelCode: 65_535 } as const;
const nothing = { label: null, labelText: null, labelCode: 0 } as const;

const CASES: [LedgerEntry, string][] = [
  [{ ...written, kind: "imageRegistered", imageId: IMAGE_ID }, "Image registered"],
  [{ ...said, kind: "diagnosisRecorded", confidence: 0.98 }, "Diagnosis recorded: Glioma, 98.0\u00a0%"],
  [{ ...said, ...sealed, kind: "diagnosisRecorded", confidence: null }, "Diagnosis recorded: sealed"],
  [{ ...said, kind: "diagnosisReviewed", verdict: "confirmed" }, "Confirmed by a clinician"],
  [{ ...said, kind: "diagnosisReviewed", verdict: "overridden" }, "Overridden: Glioma"],
  [{ ...said, ...sealed, kind: "diagnosisReviewed", verdict: "overridden" }, "Overridden"],
  [{ ...said, ...nothing, kind: "diagnosisReviewed", verdict: "withdrawn" }, "Withdrawn by a clinician"],
  [{ ...written, ...model, kind: "modelRegistered" }, "Model registered: brain-mri 1.1.0"],
  [{ ...written, ...model, kind: "modelRetired" }, "Model retired: brain-mri 1.1.0"],
  [{ ...written, ...model, kind: "trainingAnchored" }, "Training anchored: brain-mri 1.1.0"],
  [
    { ...written, kind: "classifierCompromised", classifier: OTHER, compromisedSince: 1_790_000_000 },
    `Classifier reported as compromised: ${short(OTHER)}`,
  ],
  [{ ...written, modelId: hash("a"), kind: "modelRegistered" }, "Model registered: 0xaaaaaa…aaaaaa"],
];

describe("an event of the contract", () => {
  it.each(CASES)("has a title: %#", (entry, title) => {
    expect(entryTitle(entry)).toBe(title);
  });
});
