/** Why the contract rejects a call, in words, and what to do. */

import { decodeErrorResult } from "viem/utils";
import type { Hex } from "../api/types";
import { abi } from "./registry";

export interface Revert {
  /** Name of the contract's custom error, or `Error` for a plain reason. */
  name: string;
  text: string;
  remedy: string;
}

const SETTLED = ["ImageAlreadyRegistered", "DiagnosisNotNewer", "TooManyDiagnoses", "NotNewestStep"];

/** Whether no later block takes the reason of that name away. */
export const isSettled = (name: string): boolean => SETTLED.includes(name);

const WORDS: Record<string, [text: string, remedy: string]> = {
  ImageAlreadyRegistered: [
    "This account has registered this image before.",
    "Open the record: you can still add a diagnosis.",
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
    "The record already has a diagnosis that is as new as this one.",
    "Open the record to see it; classify again for a newer one.",
  ],
  DiagnosisFromFuture: [
    "The result is dated in the chain's future.",
    "Wait a few minutes and try again; the server's clock may be wrong.",
  ],
  DiagnosisExpired: [
    "The result was signed more than seven days ago.",
    "Try again: a new signature is requested.",
  ],
  LabelOutOfRange: ["The model has no such class.", "Choose one of the classes of the model."],
  AbstentionConfidence: ["An abstention must not contain a confidence.", "Tell the operator of this server."],
  ImageIdMismatch: [
    "The result was signed for another account or image.",
    "Try again: a new signature is requested for the account in use.",
  ],
  ConfidenceOutOfRange: ["The confidence is out of range.", "Tell the operator of this server."],
  TooManyDiagnoses: ["This record cannot hold more diagnoses.", "Register the image with another account."],
  SealedConfidence: ["A sealed diagnosis must not contain a confidence.", "Tell the operator of this server."],
  ModelNotInUse: [
    "The contract does not know the model of this result, or the model was retired.",
    "Tell the operator of this server: a holder of MODEL_ADMIN_ROLE registers models. You can still register the image.",
  ],
  AccessControlUnauthorizedAccount: [
    "This account does not have the role for this step.",
    "Choose an account that has the role; the registry's administrator grants roles.",
  ],
  ReviewerIsUploader: ["The uploader of an image cannot review its diagnoses.", "Another clinician must review this one."],
  DiagnosisNotRecorded: ["The contract does not know this diagnosis.", "Reload the page to see what is recorded."],
  NotNewestStep: [
    "Another account has reviewed this diagnosis in the meantime.",
    "Read that review first; then you can add yours.",
  ],
  LabelDoesNotFit: [
    "This result does not match the verdict.",
    "Confirm keeps the result, override replaces it, withdraw removes it.",
  ],
  ReasonMissing: ["A review needs a reason.", "Write the reason for your verdict."],
};

const UNKNOWN_REMEDY = "Try again; if the problem persists, tell the operator of this server.";

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
