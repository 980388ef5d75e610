/** A record with a diagnosis, as the API gives it; each maker takes what is to be different. */

import type { Block, Diagnosis, ImageRecord, Lineage, Model, Review } from "../../frontend/src/api/types";
import { NOTHING_KNOWN } from "../../frontend/src/state/kind";
import { CID, hash, IMAGE_ID, OTHER, UPLOADER } from "./samples";

export const block = (number: number): Block => ({ number, hash: hash("7"), timestamp: 1_790_000_000 + number });
const transaction = { hash: hash("c"), explorerUrl: null };

export const model: Model = {
  name: "brain-mri",
  version: "1.1.0",
  sha256: "a".repeat(64),
  modality: "brain-mri",
  kind: "classifier",
  architecture: "compact_residual",
  magnification: null,
  classes: [
    { label: "glioma", code: 1, text: "Glioma" },
    { label: "notumor", code: 4, text: "No tumour found" },
  ],
  metrics: {},
  default: true,
  card: "",
  weak: null,
  chainStatus: "inUse",
  nextSteps: {
    glioma: [{ text: "A radiologist reads the study.", reference: { title: "T", publisher: "P", url: "https://x" } }],
    notumor: [],
    abstained: [{ text: "Try another slice.", reference: { title: "T", publisher: "P", url: "https://x" } }],
  },
};

export function diagnosis(more: Partial<Diagnosis> = {}): Diagnosis {
  return {
    diagnosisId: hash("d"),
    sealed: false,
    status: "asserted",
    current: { label: "glioma", labelText: "Glioma", labelCode: 1 },
    label: "glioma",
    labelText: "Glioma",
    labelCode: 1,
    confidence: 0.98,
    modelId: hash("a"),
    model: { name: "brain-mri", version: "1.1.0" },
    manifestHash: hash("b"),
    manifestCid: "bafkrei",
    issuedAt: 1_790_000_000,
    classifier: OTHER,
    compromisedSince: null,
    signature: `0x${"11".repeat(65)}`,
    transaction,
    block: block(5),
    reviews: [],
    ...more,
  };
}

export const sealed = (more: Partial<Diagnosis> = {}): Diagnosis =>
  diagnosis({
    sealed: true,
    label: "sealed",
    labelText: "Sealed",
    labelCode: 65_535,
    confidence: null,
    current: { label: "sealed", labelText: "Sealed", labelCode: 65_535 },
    ...more,
  });

export function review(more: Partial<Review> = {}): Review {
  return {
    reviewId: hash("e"),
    verdict: "confirmed",
    label: "glioma",
    labelCode: 1,
    reviewer: OTHER,
    supersedes: hash("d"),
    reasonHash: hash("f"),
    statement: null,
    outline: null,
    sliceOutlines: [],
    transaction,
    block: block(6),
    ...more,
  };
}

export function record(diagnoses: Diagnosis[]): ImageRecord {
  return {
    imageId: IMAGE_ID,
    cid: CID,
    uploader: UPLOADER,
    commitment: hash("0"),
    transaction,
    block: block(4),
    imageAvailable: true,
    study: false,
    kind: NOTHING_KNOWN,
    diagnoses,
  };
}

export const lineage: Lineage = {
  modelId: hash("a"),
  name: "brain-mri",
  status: "retired",
  registered: { admin: OTHER, transaction, block: block(2) },
  retired: { admin: OTHER, transaction, block: block(9) },
  card: { cid: "bafkreicard", available: true },
  trainings: [],
};
