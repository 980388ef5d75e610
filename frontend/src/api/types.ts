/** The answers of the HTTP API. Hashes are 0x-prefixed 32 bytes, `sha256` fields plain hex, addresses EIP-55. */

import type { ModelStatus } from "./record-types";

export type * from "./record-types";

export type Hex = `0x${string}`;

export interface ChainConfig {
  id: number;
  name: string;
  rpcUrl: string | null;
  currency: { name: string; symbol: string; decimals: number };
  explorerUrl: string | null;
  contract: Hex;
  startBlock: number;
  confirmations: number;
  development: boolean;
}

export interface Limits {
  maxBytes: number;
  maxPixels: number;
  mediaTypes: string[];
}

export interface Config {
  version: string;
  chain: ChainConfig;
  storage: { name: string; public: boolean };
  classifier: Hex;
  limits: Limits;
  notice: string;
}

export interface Image {
  cid: string;
  sha256: string;
  size: number;
  width: number;
  height: number;
  mediaType: string;
  /** Names of the metadata blocks that were removed before pinning, such as EXIF. */
  stripped: string[];
  created: boolean;
  links: { self: string; content: string };
}

export interface ModelIdentity {
  name: string;
  version: string;
  sha256: string;
  modality: string;
}

/** `confidence` and `probabilities` are in [0, 1]; `labelCode` is 0 when the model abstained. */
export interface Classification {
  cid: string;
  label: string;
  labelCode: number;
  labelText: string;
  confidence: number;
  probabilities: Record<string, number>;
  abstained: boolean;
  reason: string | null;
  /** Why not to rely on the model, where there is reason to say so. */
  weak: string | null;
  model: ModelIdentity;
  manifestHash: Hex;
  manifestCid: string;
  activationMap: string | null;
  nextSteps: NextStep[];
  /** Then this answer is the only copy of the result, and `opening`, the manifest's bytes, proves it to others. */
  sealed: boolean;
  opening: string | null;
  /** A sealed manifest is not served. */
  links: { manifest?: string };
}

/** What a person may do after a result, and where that is said. */
export interface NextStep {
  text: string;
  reference: { title: string; publisher: string; url: string };
}

/** `unit` is empty for a number without one. */
export interface AnalysisFigure {
  name: string;
  title: string;
  value: number;
  unit: string;
  explanation: string;
}

/** `picture` is the address of a PNG of `width` by `height` pixels. */
export interface AnalysisStep {
  name: string;
  title: string;
  explanation: string;
  picture: string;
  width: number;
  height: number;
  figures: AnalysisFigure[];
}

export interface Analysis {
  cid: string;
  stained: boolean;
  steps: AnalysisStep[];
}

/** `contours` in pixels of the original; what an odd number of them encloses is outlined. `share` is in [0, 1]. */
export interface Outline {
  outlined: boolean;
  reason: string | null;
  area: { pixels: number; share: number } | null;
  contours: [x: number, y: number][][];
  model: ModelIdentity | null;
}

/** The EIP-712 struct of the contract; `confidence` in basis points, `issuedAt` in Unix seconds. */
export interface SignedFields {
  imageId: Hex;
  modelId: Hex;
  label: number;
  confidence: number;
  manifestHash: Hex;
  issuedAt: number;
}

export interface Attestation {
  imageId: Hex;
  cid: string;
  uploader: Hex;
  diagnosis: SignedFields;
  signature: Hex;
  classifier: Hex;
  chainId: number;
  contract: Hex;
}

export interface Block {
  number: number;
  hash: Hex;
  timestamp: number;
}

export type TransactionState = "unknown" | "pending" | "mined" | "confirmed" | "failed" | "replaced";

export interface TransactionStatus {
  hash: Hex;
  state: TransactionState;
  confirmations: number;
  required: number;
  block: Block | null;
  gasUsed: number | null;
  sender: Hex | null;
  nonce: number | null;
  revertReason: string | null;
  explorerUrl: string | null;
  imageIds: Hex[];
}

export interface TransactionLink {
  hash: Hex;
  explorerUrl: string | null;
}

export interface Model extends ModelIdentity {
  classes: { label: string; code: number; text: string }[];
  metrics: Record<string, unknown>;
  default: boolean;
  card: string;
  /** What the contract says of it, null while the chain cannot be asked. */
  chainStatus: ModelStatus | null;
  /** By label, with "abstained" for no answer. */
  nextSteps: Record<string, NextStep[]>;
  /** Why this model is weak, in a sentence; null where it is not. */
  weak: string | null;
}

export type Interval = [low: number, high: number];

/** The figures of `ml.metrics.summarise`: each name has a number and, as `<name>_interval`, its 95 % interval. */
export interface Figures {
  images: number;
  groups: number | null;
  resampled_by: "group" | "image";
  positive: string | null;
  classes: Record<string, { precision: number; recall: number; f1: number; auc: number | null; support: number }>;
  confusion: { labels: string[]; rows_are_truth: number[][] };
  [name: string]: unknown;
}

/** One network under one protocol: the schema "scanproof.result/1", with the names that its files have. */
export interface Measured {
  data: { name: string; labels: string[]; images: number; unit: string; groups: number | null };
  protocol: string;
  network: {
    name: string;
    source: string;
    frozen_backbone: boolean;
    /** Where the backbone's weights come from; null is random. */
    weights: string | null;
    parameters: { total: number; trainable: number };
  };
  recipe: { name: string };
  figures: Figures;
  group_figures: Figures | null;
  curves: {
    roc: { label: string; false_positive_rate: number[]; true_positive_rate: number[] }[];
    reliability: { confidence: number; accuracy: number; images: number }[];
  };
  /** By epoch, one for each network that was trained, as there is one a fold. */
  training: Record<string, (number | null)[]>[];
  cost: { seconds_per_epoch: number; bytes: number; milliseconds: number };
  cautions: string[];
}

/** What a source reports of its own data. */
export interface Published {
  source: string;
  network: string;
  data: string;
  loss: number | null;
  auc: number | null;
  accuracy: number;
}

export interface Results {
  results: Measured[];
  comparisons: { data: string; text: string }[];
  published: Published[];
  notTrained: { data: string; networks: string[] }[];
}
