/** The life of a record as the chain tells it: every step with who, what, when, what is checked and how. */

import type { Block, Diagnosis, Hex, ImageRecord, Lineage, Model, ModelEvent, Review, TransactionLink } from "../api/types";
import { percent } from "../format";
import type { Tone } from "./problems";
import { labelText, modelOf, STATUSES } from "./standing";

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
  yourself: string;
  transaction: TransactionLink;
  block: Block;
}

type Said = Pick<Diagnosis, "sealed" | "labelCode" | "confidence">;

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
export function diagnosisTitle({ sealed, labelCode, confidence }: Said, text: string): string {
  const sure = confidence === null || labelCode === 0 ? "" : `, ${percent(confidence)}`;
  return `Diagnosis recorded: ${sealed ? "sealed" : text}${sure}`;
}

/** `label` is the one that holds from now on, in words, where it is known. */
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
    checked: "The image id is a hash of account and CID, and the CID a hash of the image's bytes, which are hashed again.",
    yourself: "Read the event ImageRegistered; the contract's imageIdOf(uploader, cid) gives the same image id.",
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
      ? "The classifier signed exactly these values, and was allowed to at this block. Label and confidence are a salted hash: only whoever holds the opening can show and check them."
      : "The classifier signed exactly these values (EIP-712), and was allowed to at this block. The manifest has this hash, and the model gives the same numbers again.",
    yourself: "Read the event DiagnosisRecorded; hashDiagnosis(…) of its fields gives the diagnosis id, which the signature is over.",
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
    checked: "The reviewer held CLINICIAN_ROLE at this block, is not the uploader, and named the newest step before. The reason has this hash, where it was published.",
    yourself: "Read the event DiagnosisReviewed; newestReviewOf(diagnosisId) gives the review that holds.",
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
    yourself: `Read the event ${event}; statusOf(modelId) says whether the model is in use now.`,
    transaction,
    block,
  });
  return [
    ...(registered
      ? [step("registered", "info", "The contract takes a diagnosis only by a model that is in use at that block.", "ModelRegistered", registered)]
      : []),
    ...(retired
      ? [step("retired", "warning", "Diagnoses recorded before stand; the contract takes no later one by this model.", "ModelRetired", retired)]
      : []),
  ];
}
