import { html } from "lit";
import type { Classification } from "../api/types";
import type { Plan } from "../chain/transactions";
import { percent, whole } from "../format";
import type { Row } from "./sp-transaction-preview";

/** The rows of a preview that tell what a record consists of. */
export function recordDetails({ cid, imageId, attestation }: Plan, classification: Classification | null): Row[] {
  const rows: Row[] = [
    ["CID", html`<code>${cid}</code>`],
    ["Image id", html`<code>${imageId}</code>`],
  ];
  if (!attestation || !classification) return rows;
  const { label, confidence, modelId, manifestHash } = attestation.diagnosis;
  const { abstained, labelText, sealed } = classification;
  const result = abstained ? "No answer" : labelText;
  return [
    ...rows,
    ["Result", `${sealed ? "Sealed" : result} (code ${label})`],
    ["Confidence", sealed ? "Sealed (0)" : abstained ? "None" : `${percent(confidence / 10_000)} (${whole(confidence)} of 10,000)`],
    ["Model", html`<code>${modelId}</code>`],
    ["Manifest", html`<code>${manifestHash}</code>`],
    ["Classifier", html`<code>${attestation.classifier}</code>`],
  ];
}
