/** Opening a sealed diagnosis: checking a manifest file against the manifest hash on the chain. */

import { sha256 } from "viem/utils";
import type { Diagnosis } from "../api/types";

/** The server's own limit for a manifest. */
export const MAX_OPENING_BYTES = 64 * 1024;

/** What the sealed manifest says; `confidence` and `probabilities` are in [0, 1]. */
export interface Opening {
  label: string;
  labelCode: number;
  confidence: number;
  probabilities: Record<string, number>;
  abstained: boolean;
}

/** A file that does not open the diagnosis; the message says why. */
export class OpeningRefused extends Error {}

/**
 * The opening in `content`, whose SHA-256 must be the diagnosis' manifest hash, and which must be about its image and
 * its model. Raises OpeningRefused.
 */
export function openingOf(content: Uint8Array, cid: string, { manifestHash, modelId }: Diagnosis): Opening {
  const found = sha256(content);
  if (found !== manifestHash) {
    throw new OpeningRefused(`Its SHA-256 is ${found}; the chain has ${manifestHash}. It belongs to another diagnosis, or was changed.`);
  }
  const manifest = parsed(content);
  if (manifest.image?.cid !== cid || manifest.model?.sha256 !== modelId.slice("0x".length)) {
    throw new OpeningRefused("It has the hash that is on the chain, but describes a different image or model than this record.");
  }
  const { label, labelCode, confidence, probabilities, abstained } = manifest;
  if (!isOpening({ label, labelCode, confidence, probabilities, abstained })) {
    throw new OpeningRefused("It has the hash that is on the chain, but is not a manifest: label, confidence or probabilities are missing.");
  }
  return { label, labelCode, confidence, probabilities, abstained } as Opening;
}

type Unchecked<T> = { [Key in keyof T]?: unknown };
type Manifest = Unchecked<Opening> & { image?: { cid?: unknown }; model?: { sha256?: unknown } };

function parsed(content: Uint8Array): Manifest {
  try {
    return Object(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(content))) as Manifest;
  } catch {
    throw new OpeningRefused("It has the hash that is on the chain, but is not JSON.");
  }
}

function isOpening({ label, labelCode, confidence, probabilities, abstained }: Unchecked<Opening>): boolean {
  const fractions = [confidence, ...Object.values(Object(probabilities) as Record<string, unknown>)];
  return (
    typeof label === "string" &&
    Number.isInteger(labelCode) &&
    typeof abstained === "boolean" &&
    fractions.length > 1 &&
    fractions.every((value) => typeof value === "number" && value >= 0 && value <= 1)
  );
}
