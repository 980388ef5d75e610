/** The checks of a record that the page can compute itself. */

import { recoverTypedDataAddress, sha256 } from "viem/utils";
import type { ChainConfig, Hex, SignedFields } from "../api/types";
import { cidOf } from "./cid";
import { typedData } from "./diagnosis";
import { imageIdOf } from "./registry";

/** What a record consists of; `manifest` is null where it is sealed or not here, `image` where this server has none. */
export interface Evidence {
  image: Uint8Array<ArrayBuffer> | null;
  cid: string;
  uploader: Hex;
  imageId: Hex;
  diagnosis: { fields: SignedFields; signature: Hex; classifier: Hex; manifest: Uint8Array | null } | null;
}

export interface Proof {
  name: string;
  /** Why it fails when something was changed. */
  why: string;
  passed: boolean;
  expected: string;
  found: string;
}

interface ManifestFacts {
  image: { cid: string };
  labelCode: number;
  confidence: number;
}

export async function prove(evidence: Evidence, chain: Pick<ChainConfig, "id" | "contract">): Promise<Proof[]> {
  const { image, cid, uploader, imageId, diagnosis } = evidence;
  const proofs = [
    ...(image ? [proof("The image's bytes give the CID", "The CID is a hash over all bytes: one changed bit gives a different CID.", cid, await cidOf(image))] : []),
    proof(
      "Account and CID give the image id",
      "The image id is a hash over the account and the CID: a different account or image gives a different id.",
      imageId,
      imageIdOf(uploader, cid),
    ),
  ];
  return diagnosis ? [...proofs, ...(await proveDiagnosis(diagnosis, cid, chain))] : proofs;
}

async function proveDiagnosis(
  { fields, signature, classifier, manifest }: NonNullable<Evidence["diagnosis"]>,
  cid: string,
  chain: Pick<ChainConfig, "id" | "contract">,
): Promise<Proof[]> {
  const signer = await signerOf(fields, signature, chain);
  const signed = proof(
    "The signature is the classifier's",
    "The signature covers exactly these values: with other values it recovers to an account whose key nobody has.",
    classifier,
    signer,
  );
  if (!manifest) return [signed];
  return [
    proof(
      "The manifest's bytes give its hash on the chain",
      "The chain has the SHA-256 of the manifest: one changed character gives a different hash.",
      fields.manifestHash,
      sha256(manifest),
    ),
    proof(
      "The manifest agrees with the chain",
      "The manifest, whose hash was signed, contains image, label and confidence too: if only one side changes, they differ.",
      `${cid}, code ${fields.label}, ${fields.confidence} of 10,000`,
      manifestSummary(manifest, fields),
    ),
    signed,
  ];
}

async function signerOf(fields: SignedFields, signature: Hex, chain: Pick<ChainConfig, "id" | "contract">): Promise<string> {
  try {
    return await recoverTypedDataAddress({ ...typedData(fields, chain), signature });
  } catch {
    return "none: the signature does not match these values";
  }
}

/** An abstention is on the chain without the confidence of its manifest, but for those of the first contract. */
function manifestSummary(manifest: Uint8Array, fields: SignedFields): string {
  try {
    const { image, labelCode, confidence } = JSON.parse(new TextDecoder().decode(manifest)) as ManifestFacts;
    const basisPoints = labelCode === 0 && fields.confidence === 0 ? 0 : Math.round(confidence * 10_000);
    return `${image.cid}, code ${labelCode}, ${basisPoints} of 10,000`;
  } catch {
    return "none: the manifest cannot be read";
  }
}

function proof(name: string, why: string, expected: string, found: string): Proof {
  return { name, why, expected, found, passed: expected.toLowerCase() === found.toLowerCase() };
}
