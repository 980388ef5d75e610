/** Reviewing a diagnosis: its statement, its call and its id. */

import { encodeAbiParameters, encodeFunctionData, keccak256, sha256, stringToHex } from "viem/utils";
import type { ChainConfig, Diagnosis, Hex, Review, SliceOutline } from "../api/types";
import { canonical } from "../canonical-json";
import { diagnosisIdOf, signedFieldsOf } from "./diagnosis";
import { abi, SEALED_LABEL } from "./registry";
import type { CallRequest } from "./transactions";

export type Verdict = Review["verdict"];

/** In the order of IImageRegistry.Verdict. */
const VERDICTS: readonly Verdict[] = ["confirmed", "overridden", "withdrawn"];
const SCHEMA = "scanproof.review/1";
const FUNCTION = "reviewDiagnosis";
const REVIEW = [
  { type: "bytes32" },
  { type: "address" },
  {
    type: "tuple",
    components: [
      { name: "supersedes", type: "bytes32" },
      { name: "reasonHash", type: "bytes32" },
      { name: "verdict", type: "uint8" },
      { name: "label", type: "uint16" },
    ],
  },
] as const;

/** What a clinician says; `label` is another class of the model, for `overridden` only, and null for a sealed one. */
export interface Opinion {
  verdict: Verdict;
  label: { label: string; code: number } | null;
  reason: string;
  /** The corrected outline, in pixels of the image; null where it was not corrected. */
  outline: [x: number, y: number][][] | null;
  /** The corrected outlines of slices of a study, in their order. */
  sliceOutlines: SliceOutline[];
}

/** Limits of a statement with outlines of slices (backend/services/statements.py). */
export const MAX_STATEMENT_BYTES = 16 * 1024;
export const MAX_OUTLINED_SLICES = 24;

/** `statement` is canonical JSON (RFC 8785), whose SHA-256 goes on the chain. */
export interface ReviewPlan extends CallRequest {
  reviewId: Hex;
  diagnosisId: Hex;
  statement: string;
  verdict: Verdict;
  label: number;
  reasonHash: Hex;
}

/** A review on top of the newest step that the server knows. `salt` is 32 random bytes, so that a reason cannot be guessed. */
export function planReview(
  imageId: Hex,
  diagnosis: Diagnosis,
  opinion: Opinion,
  from: Hex,
  chain: ChainConfig,
  salt: Hex,
): ReviewPlan {
  const fields = signedFieldsOf(imageId, diagnosis);
  const diagnosisId = diagnosisIdOf(fields, chain);
  const { label, code } = labelAfter(diagnosis, opinion);
  const { verdict, reason, outline } = opinion;
  const said = { schema: SCHEMA, imageId, diagnosisId, verdict, label, labelCode: code, reason, salt: salt.slice(2) };
  const { sliceOutlines } = opinion;
  const statement = canonical({ ...said, ...(outline ? { outline } : {}), ...(sliceOutlines.length > 0 ? { sliceOutlines } : {}) });
  const review = {
    supersedes: diagnosis.reviews.at(-1)?.reviewId ?? diagnosisId,
    reasonHash: sha256(stringToHex(statement)),
    verdict: VERDICTS.indexOf(verdict),
    label: code,
  };
  return {
    reviewId: keccak256(encodeAbiParameters(REVIEW, [diagnosisId, from, review])),
    diagnosisId,
    imageId,
    statement,
    verdict,
    label: code,
    reasonHash: review.reasonHash,
    from,
    contract: chain.contract,
    chainId: chain.id,
    functionName: FUNCTION,
    data: encodeFunctionData({
      abi,
      functionName: FUNCTION,
      args: [{ ...fields, issuedAt: BigInt(fields.issuedAt) }, review],
    }),
  };
}

/** Name and code of the label that holds from then on. */
function labelAfter({ sealed, label, labelCode }: Diagnosis, opinion: Opinion): { label: string | null; code: number } {
  if (opinion.verdict === "withdrawn") return { label: null, code: 0 };
  if (sealed) return { label: null, code: SEALED_LABEL };
  if (opinion.verdict === "confirmed") return { label, code: labelCode };
  if (!opinion.label) throw new TypeError("to override needs another label");
  return opinion.label;
}
