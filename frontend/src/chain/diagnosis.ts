/** The EIP-712 typed data of a diagnosis (https://eips.ethereum.org/EIPS/eip-712), as IImageRegistry.Diagnosis has it. */

import { hashTypedData } from "viem/utils";
import type { ChainConfig, Diagnosis, Hex, SignedFields } from "../api/types";

const BASIS_POINTS = 10_000;
const TYPES = {
  Diagnosis: [
    { name: "imageId", type: "bytes32" },
    { name: "modelId", type: "bytes32" },
    { name: "label", type: "uint16" },
    { name: "confidence", type: "uint16" },
    { name: "manifestHash", type: "bytes32" },
    { name: "issuedAt", type: "uint64" },
  ],
} as const;

/** What the classifier signed, of a diagnosis as the server gives it. */
export function signedFieldsOf(imageId: Hex, diagnosis: Diagnosis): SignedFields {
  const { modelId, labelCode, confidence, manifestHash, issuedAt } = diagnosis;
  return { imageId, modelId, label: labelCode, confidence: Math.round((confidence ?? 0) * BASIS_POINTS), manifestHash, issuedAt };
}

export function typedData(fields: SignedFields, { id, contract }: Pick<ChainConfig, "id" | "contract">) {
  return {
    domain: { name: "ScanProof", version: "1", chainId: id, verifyingContract: contract },
    types: TYPES,
    primaryType: "Diagnosis",
    message: { ...fields, issuedAt: BigInt(fields.issuedAt) },
  } as const;
}

/** The id of a diagnosis: what `hashDiagnosis` of the contract gives. */
export const diagnosisIdOf = (fields: SignedFields, chain: Pick<ChainConfig, "id" | "contract">): Hex =>
  hashTypedData(typedData(fields, chain));
