/** The answers of the HTTP API. Hashes are 0x-prefixed 32 bytes, `sha256` fields plain hex, addresses EIP-55. */

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
  model: ModelIdentity;
  manifestHash: Hex;
  manifestCid: string;
  activationMap: string | null;
  links: { manifest: string };
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

export interface Diagnosis {
  label: string;
  labelText: string;
  labelCode: number;
  confidence: number;
  modelId: Hex;
  model: { name: string; version: string } | null;
  manifestHash: Hex;
  manifestCid: string;
  issuedAt: number;
  classifier: Hex;
  signature: Hex;
  transaction: TransactionLink;
  block: Block;
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

export interface RecordPage {
  records: ImageRecord[];
  next: string | null;
  index: { block: number | null; head: number | null; synced: boolean };
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
}

export interface Model extends ModelIdentity {
  classes: { label: string; code: number; text: string }[];
  metrics: Record<string, unknown>;
  default: boolean;
  card: string;
}
