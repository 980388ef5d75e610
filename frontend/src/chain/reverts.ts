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
