/** Why the contract refuses a call, in words, with what can be done about it. */

import { decodeErrorResult } from "viem/utils";
import type { Hex } from "../api/types";
import { abi } from "./registry";

export interface Revert {
  /** Name of the contract's custom error, or `Error` for a plain reason. */
  name: string;
  text: string;
  remedy: string;
}

const WORDS: Record<string, [text: string, remedy: string]> = {
  ImageAlreadyRegistered: [
    "This account has registered this image before.",
    "Open the record; a diagnosis can still be added to it.",
  ],
  ImageNotRegistered: ["This image is not registered.", "Register the image first."],
  NotUploader: [
    "Only the account that registered the image may record its diagnoses.",
    "Choose that account in your wallet.",
  ],
  InvalidCid: ["The contract does not accept this CID.", "Upload the image again."],
  ClassifierNotAuthorized: [
    "The classifier that signed this result is not authorised by the contract.",
    "Tell the operator of this server: its classifier key has no role, or was changed.",
  ],
  DiagnosisNotNewer: [
    "The record has a diagnosis that is as new as this one.",
    "Open the record to see it; classify again for a newer one.",
  ],
  DiagnosisFromFuture: [
    "The result is dated in the chain's future.",
    "Wait a few minutes and try again; the server's clock may be wrong.",
  ],
  ImageIdMismatch: [
    "The result was signed for another account or image.",
    "Try again: a new signature is requested for the account in use.",
  ],
  ConfidenceOutOfRange: ["The confidence is out of range.", "Tell the operator of this server."],
  TooManyDiagnoses: ["This record cannot hold more diagnoses.", "Register the image with another account."],
  SealedConfidence: ["A sealed diagnosis must not tell its confidence.", "Tell the operator of this server."],
  ModelNotInUse: [
    "The contract does not know the model of this result, or the model was retired.",
    "Tell the operator of this server: a holder of MODEL_ADMIN_ROLE registers models. The image can be registered by itself.",
  ],
  AccessControlUnauthorizedAccount: [
    "This account does not hold the role that this step needs.",
    "Choose an account that has it; the registry's administrator grants roles.",
  ],
  ReviewerIsUploader: ["Who uploaded an image cannot review its diagnoses.", "Somebody else has to review this one."],
  DiagnosisNotRecorded: ["The contract does not know this diagnosis.", "Reload the page to see what is recorded."],
  NotNewestStep: [
    "Somebody else has reviewed this diagnosis meanwhile.",
    "Look at their review first; yours can then be made on top of it.",
  ],
  LabelDoesNotFit: [
    "This result does not fit the verdict.",
    "To confirm keeps the result, to override gives another one, to withdraw gives none.",
  ],
  ReasonMissing: ["A review needs a reason.", "Write why you come to this verdict."],
};

const UNKNOWN_REMEDY = "Try again; if it stays so, tell the operator of this server.";

/** Decodes the data of a revert; null when there is none. */
export function describeRevert(data: string | null): Revert | null {
  if (!data) return null;
  try {
    const { errorName, args } = decodeErrorResult({ abi, data: data as Hex });
    return inWords(errorName, errorName === "Error" ? String(args?.[0]) : `The contract answered ${errorName}.`);
  } catch {
    return null;
  }
}

/** The server's `revertReason`, such as `NotUploader(imageId: 0x…, caller: 0x…)` or a plain text. */
export function describeReason(reason: string | null): Revert {
  const name = /^(\w+)\(/.exec(reason ?? "")?.[1] ?? "Error";
  return inWords(name, reason ? `The chain says: ${reason}.` : "The chain gives no reason.");
}

function inWords(name: string, otherwise: string): Revert {
  const [text, remedy] = WORDS[name] ?? [otherwise, UNKNOWN_REMEDY];
  return { name, text, remedy };
}
