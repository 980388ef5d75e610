/** What the API answers of the chain: records with their diagnoses and reviews, their verification, models. */

import type { Block, Hex, TransactionLink } from "./types";

/** Without a review a diagnosis is only asserted by a model; else this is what its newest review says. */
export type Status = "asserted" | "confirmed" | "overridden" | "withdrawn";

/** `label` is null and `labelCode` 0 when the diagnosis was withdrawn. */
export interface Review {
  reviewId: Hex;
  verdict: Exclude<Status, "asserted">;
  label: string | null;
  labelCode: number;
  reviewer: Hex;
  supersedes: Hex;
  reasonHash: Hex;
  /** Why, in the reviewer's words; null until they are published. */
  statement: string | null;
  transaction: TransactionLink;
  block: Block;
}

/** A sealed one tells no label: `labelCode` is that of SEALED, and `confidence` is null. */
export interface Diagnosis {
  diagnosisId: Hex;
  sealed: boolean;
  status: Status;
  /** The label that holds now, null when the diagnosis was withdrawn. */
  current: { label: string; labelText: string; labelCode: number } | null;
  label: string;
  labelText: string;
  labelCode: number;
  confidence: number | null;
  modelId: Hex;
  model: { name: string; version: string } | null;
  manifestHash: Hex;
  manifestCid: string;
  issuedAt: number;
  classifier: Hex;
  signature: Hex;
  transaction: TransactionLink;
  block: Block;
  reviews: Review[];
}

export interface ImageRecord {
  imageId: Hex;
  cid: string;
  uploader: Hex;
  commitment: Hex;
  transaction: TransactionLink;
  block: Block;
  imageAvailable: boolean;
  diagnoses: Diagnosis[];
}

/** What is asked of the records; what is absent does not matter. `from` and `to` are days, both included. */
export type Search = Partial<Record<"q" | "model" | "label" | "status" | "from" | "to", string>>;

/** A diagnosis with the record that it is of. */
export interface QueuedDiagnosis extends Diagnosis {
  imageId: Hex;
  cid: string;
  uploader: Hex;
  imageAvailable: boolean;
}

export interface QueuePage {
  diagnoses: QueuedDiagnosis[];
  next: string | null;
  index: IndexStatus;
}

export interface RecordPage {
  records: ImageRecord[];
  next: string | null;
  index: IndexStatus;
}

/** `block` is the newest one whose events are known here, `head` the chain's newest. */
export interface IndexStatus {
  block: number | null;
  head: number | null;
  synced: boolean;
}

export interface Check {
  name: string;
  passed: boolean;
  expected: string;
  found: string;
}

export interface Verification {
  imageId: Hex;
  passed: boolean;
  checks: Check[];
  diagnoses: { diagnosisId: Hex; status: Status }[];
}

/** Who wrote something about a model on the chain, and where it stands there. */
export interface ModelEvent {
  admin: Hex;
  transaction: TransactionLink;
  block: Block;
}

/** `parentModelId` is what the training began from, null where that is no model of the registry. */
export interface Training extends ModelEvent {
  trainingId: Hex;
  modelId: Hex;
  parentModelId: Hex | null;
  participants: number;
  metricsHash: Hex;
}

export type ModelStatus = "unknown" | "inUse" | "retired";

/** What the chain knows of a model, and the trainings that led to it, walked back to the first. */
export interface Lineage {
  modelId: Hex;
  name: string | null;
  status: ModelStatus;
  registered: ModelEvent | null;
  retired: ModelEvent | null;
  /** Of the card that was registered; `available`: whether this server's store has it. */
  card: { cid: string | null; available: boolean };
  trainings: Training[];
}

interface Written {
  /** The account that acted; of a diagnosis its classifier. */
  who: Hex;
  transaction: TransactionLink;
  block: Block;
}

interface ImageWritten extends Written {
  kind: "imageRegistered";
  imageId: Hex;
}

interface DiagnosisWritten extends Written, Pick<Diagnosis, "sealed" | "label" | "labelText" | "labelCode" | "confidence" | "modelId" | "model"> {
  kind: "diagnosisRecorded";
  imageId: Hex;
}

/** The label is the one that holds from now on; null when the diagnosis was withdrawn. */
interface ReviewWritten extends Written, Pick<Review, "verdict" | "label" | "labelCode">, Pick<Diagnosis, "sealed" | "modelId" | "model"> {
  kind: "diagnosisReviewed";
  imageId: Hex;
  labelText: string | null;
}

interface ModelWritten extends Written, Pick<Diagnosis, "modelId" | "model"> {
  kind: "modelRegistered" | "modelRetired" | "trainingAnchored";
  imageId: null;
}

/** One event of the contract; what its kind does not have is null. */
export type LedgerEntry = ImageWritten | DiagnosisWritten | ReviewWritten | ModelWritten;

export interface LedgerPage {
  entries: LedgerEntry[];
  next: string | null;
  index: IndexStatus;
}
