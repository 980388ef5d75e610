/** The registry contract, as its committed artifact describes it. */

import type { Abi } from "viem";
import { encodeAbiParameters, encodeFunctionData, keccak256 } from "viem/utils";
import { abi as artifactAbi } from "../../../contracts/artifacts/ImageRegistry.json";
import type { Attestation, Hex } from "../api/types";

export const abi = artifactAbi as Abi;

/** `diagnosis` records one for an image that is registered already. */
export type Scope = "both" | "image" | "diagnosis";

/** The label code of a sealed diagnosis. */
export const SEALED_LABEL = 65_535;

const NO_COMMITMENT: Hex = `0x${"00".repeat(32)}`;

/** keccak256(abi.encode(uploader, cid)), known before anything is recorded. */
export function imageIdOf(uploader: Hex, cid: string): Hex {
  return keccak256(encodeAbiParameters([{ type: "address" }, { type: "string" }], [uploader, cid]));
}

export interface Call {
  functionName: "registerWithDiagnosis" | "registerImage" | "recordDiagnosis";
  data: Hex;
}

/** The call that a scope stands for. `attestation` is there unless the scope is `image`. */
export function encodeCall(scope: Scope, cid: string, attestation: Attestation | null): Call {
  if (scope === "image") return call("registerImage", [cid, NO_COMMITMENT]);
  if (!attestation) throw new TypeError(`the scope ${scope} needs an attestation`);
  const { diagnosis, signature } = attestation;
  const signed = { ...diagnosis, issuedAt: BigInt(diagnosis.issuedAt) };
  if (scope === "diagnosis") return call("recordDiagnosis", [signed, signature]);
  return call("registerWithDiagnosis", [cid, NO_COMMITMENT, signed, signature]);
}

function call(functionName: Call["functionName"], args: unknown[]): Call {
  return { functionName, data: encodeFunctionData({ abi, functionName, args }) };
}
