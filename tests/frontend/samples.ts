/** Values that several tests share; the image id was computed with eth_abi and keccak-256 in Python. */

import type { Attestation, ChainConfig, Classification, Image, Limits, TransactionStatus } from "../../frontend/src/api/types";
import { NOTHING_KNOWN } from "../../frontend/src/state/kind";
import type { PendingTransaction } from "../../frontend/src/chain/transaction-state";

export const UPLOADER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
export const OTHER = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC";
export const CID = "bafkreidgvpkjawlxz6sffxzwgooowe5yt7i6wsyg236mfoks77nywkptdq";
export const IMAGE_ID = "0xabbd0350eab8275b2134d11cf8ef6656f862f39652d579c4dfdca0029279d5ea";
export const hash = (digit: string): `0x${string}` => `0x${digit.repeat(64)}`;

export const chain: ChainConfig = {
  id: 1337,
  name: "Ganache",
  rpcUrl: "http://127.0.0.1:8545",
  currency: { name: "Ether", symbol: "ETH", decimals: 18 },
  explorerUrl: null,
  contract: "0x5FbDB2315678afecb367f032d93F642f64180aa3",
  startBlock: 1,
  confirmations: 1,
  development: true,
};

export const limits: Limits = {
  maxBytes: 25 * 1024 ** 2,
  maxPixels: 40_000_000,
  maxSlideBytes: 2 * 1024 ** 3,
  mediaTypes: ["image/png"],
};

export const image: Image = {
  cid: CID,
  sha256: "1".repeat(64),
  size: 10,
  width: 2,
  height: 2,
  mediaType: "image/png",
  stripped: [],
  created: true,
  kind: NOTHING_KNOWN,
  slide: null,
  links: { self: "/api/v1/images/x", content: "/api/v1/images/x/content", view: "/api/v1/images/x/view" },
};

export const classification: Classification = {
  cid: CID,
  label: "glioma",
  labelCode: 1,
  labelText: "Glioma",
  confidence: 0.98765,
  probabilities: { glioma: 0.98765, notumor: 0.01235 },
  abstained: false,
  reason: null,
  weak: null,
  model: { name: "brain-mri", version: "1.0.0", sha256: "a".repeat(64), modality: "brain-mri" },
  manifestHash: hash("b"),
  manifestCid: "bafkrei",
  manifest: {},
  activationMap: null,
  nextSteps: [],
  sealed: false,
  opening: null,
  tiles: null,
  kind: NOTHING_KNOWN,
  expectedMagnification: null,
  links: { manifest: "/api/v1/manifests/x" },
};

export const attestation: Attestation = {
  imageId: IMAGE_ID,
  cid: CID,
  uploader: UPLOADER,
  diagnosis: {
    imageId: IMAGE_ID,
    modelId: hash("a"),
    label: 1,
    confidence: 9877,
    manifestHash: hash("b"),
    issuedAt: 1_790_000_000,
  },
  signature: `0x${"11".repeat(65)}`,
  classifier: OTHER,
  chainId: 1337,
  contract: chain.contract,
};

export const transaction: PendingTransaction = {
  hash: hash("c"),
  from: UPLOADER,
  nonce: 4,
  chainId: 1337,
  contract: chain.contract,
  imageId: IMAGE_ID,
  kind: "both",
  manifestHash: hash("b"),
  submittedAt: 1_790_000_000_000,
};

export function status(state: TransactionStatus["state"], more: Partial<TransactionStatus> = {}): TransactionStatus {
  return {
    hash: transaction.hash,
    state,
    confirmations: 0,
    required: 3,
    block: null,
    gasUsed: null,
    sender: null,
    nonce: null,
    revertReason: null,
    explorerUrl: null,
    imageIds: [],
    ...more,
  };
}
