/** The history of a record on the chain: who did what and when, what is checked, and how to check it. */

import type { Block, Diagnosis, Hex, ImageRecord, LedgerEntry, Lineage, Model, ModelEvent, Review, TransactionLink } from "../api/types";
import { percent, short } from "../format";
import type { Tone } from "./problems";
import { labelText, modelOf, STATUSES } from "./diagnosis-status";

export interface Step {
  kind: "image" | "diagnosis" | "review" | "model";
  title: string;
  tone: Tone;
  /** The account, and what it did it as. */
  who: [role: string, account: Hex];
  /** Ids and hashes, each with its name. */
  facts: [name: string, value: string][];
  /** What was said, in the words of the person who did it. */
  reason: string | null;
  checked: string;
  howToCheck: string;
  transaction: TransactionLink;
  block: Block;
}

type ModelResult = Pick<Diagnosis, "sealed" | "labelCode" | "confidence">;

/** All steps in the order of the chain; within one block, as the contract writes them. */
export function timelineOf(record: ImageRecord, lineages: Lineage[], models: Model[]): Step[] {
  const steps = [
    ...lineages.flatMap(modelSteps),
    imageStep(record),
    ...record.diagnoses.flatMap((diagnosis) => {
      const model = modelOf(diagnosis, models);
      return [diagnosisStep(diagnosis, model), ...diagnosis.reviews.map((review) => reviewStep(review, diagnosis, model))];
    }),
  ];
  return steps.sort((one, other) => one.block.number - other.block.number);
}

/** `text` is the label in words. */
export function diagnosisTitle({ sealed, labelCode, confidence }: ModelResult, text: string): string {
  if (labelCode === 0 && !sealed) return "Recorded without an answer of the model";
  const sure = confidence === null ? "" : `, ${percent(confidence)}`;
  return `Diagnosis recorded: ${sealed ? "sealed" : text}${sure}`;
}

/** `label` is the label that is valid from now on, in words; null where it is unknown. */
export function reviewTitle(verdict: Review["verdict"], label: string | null): string {
  const { text } = STATUSES[verdict];
  if (verdict !== "overridden") return `${text} by a clinician`;
  return label === null ? text : `${text}: ${label}`;
}

function imageStep({ imageId, cid, uploader, transaction, block }: ImageRecord): Step {
  return {
    kind: "image",
    title: "Image registered",
    tone: "info",
    who: ["Uploader", uploader],
    facts: [["CID", cid], ["Image id", imageId]],
    reason: null,
    checked: "The image id is the hash of account and CID. The CID is the hash of the image's bytes, which are hashed again.",
    howToCheck: "Read the event ImageRegistered; the contract's imageIdOf(uploader, cid) returns the same image id.",
    transaction,
    block,
  };
}

function diagnosisStep(diagnosis: Diagnosis, model: Model | null): Step {
  const { diagnosisId, sealed, label, modelId, manifestHash, classifier } = diagnosis;
  return {
    kind: "diagnosis",
    title: diagnosisTitle(diagnosis, labelText(label, model)),
    tone: "info",
    who: ["Signed by the classifier", classifier],
    facts: [["Diagnosis id", diagnosisId], ["Model id", modelId], ["Manifest hash", manifestHash]],
    reason: null,
    checked: sealed
      ? "The classifier signed exactly these values, and had CLASSIFIER_ROLE at this block. The chain has a salted hash of label and confidence: only the opening can show and prove them."
      : "The classifier signed exactly these values (EIP-712), and had CLASSIFIER_ROLE at this block. The manifest has this hash, and the model reproduces the same numbers.",
    howToCheck: "Read the event DiagnosisRecorded; hashDiagnosis(…) of its fields returns the diagnosis id, which the signature covers.",
    transaction: diagnosis.transaction,
    block: diagnosis.block,
  };
}

function reviewStep(review: Review, { diagnosisId, sealed }: Diagnosis, model: Model | null): Step {
  const { verdict, label, reviewer, reviewId, supersedes, reasonHash, statement, transaction, block } = review;
  return {
    kind: "review",
    title: reviewTitle(verdict, sealed || label === null ? null : labelText(label, model)),
    tone: STATUSES[verdict].tone,
    who: ["Reviewer", reviewer],
    facts: [
      ["Review id", reviewId],
      [supersedes === diagnosisId ? "Supersedes the diagnosis" : "Supersedes the review", supersedes],
      ["Reason hash", reasonHash],
    ],
    reason: statement,
    checked: "The reviewer had CLINICIAN_ROLE at this block, is not the uploader, and named the newest step before. If the reason was published, it has this hash.",
    howToCheck: "Read the event DiagnosisReviewed; newestReviewOf(diagnosisId) returns the valid review.",
    transaction,
    block,
  };
}

function modelSteps({ modelId, name, registered, retired, card }: Lineage): Step[] {
  const facts: Step["facts"] = [["Model id", modelId], ...(card ? [["CID of the model card", card.cid] as [string, string]] : [])];
  const step = (done: string, tone: Tone, checked: string, event: string, { admin, transaction, block }: ModelEvent): Step => ({
    kind: "model",
    title: `Model ${done}${name ? `: ${name}` : ""}`,
    tone,
    who: ["Model admin", admin],
    facts,
    reason: null,
    checked,
    howToCheck: `Read the event ${event}; statusOf(modelId) says whether the model is in use now.`,
    transaction,
    block,
  });
  return [
    ...(registered
      ? [step("registered", "info", "The contract accepts a diagnosis only by a model that is in use at that block.", "ModelRegistered", registered)]
      : []),
    ...(retired
      ? [step("retired", "warning", "Earlier diagnoses stay valid; the contract rejects later ones by this model.", "ModelRetired", retired)]
      : []),
  ];
}

/** An event of the contract in words. */
export function entryTitle(entry: LedgerEntry): string {
  switch (entry.kind) {
    case "imageRegistered":
      return "Image registered";
    case "diagnosisRecorded":
      return diagnosisTitle(entry, entry.labelText);
    case "diagnosisReviewed":
      return reviewTitle(entry.verdict, entry.sealed ? null : entry.labelText);
    case "modelRegistered":
      return `Model registered: ${modelName(entry)}`;
    case "modelRetired":
      return `Model retired: ${modelName(entry)}`;
    case "trainingAnchored":
      return `Training anchored: ${modelName(entry)}`;
    case "classifierCompromised":
      return `Classifier reported as compromised: ${short(entry.classifier)}`;
  }
}

/** A model that is not installed here has no name. */
const modelName = ({ model, modelId }: Pick<Diagnosis, "model" | "modelId">) =>
  model ? `${model.name} ${model.version}` : short(modelId);
