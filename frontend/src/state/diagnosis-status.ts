/** The status of a diagnosis and its valid result, in words. */

import type { Diagnosis, Model, ModelStatus, NextStep, DiagnosisStatus } from "../api/types";
import { sentence } from "../format";
import type { Opening } from "./opening";
import type { Tone } from "./problems";

type Answer = Pick<Opening, "label" | "labelCode" | "confidence">;

const ABSTAINED = "abstained";

export const STATUSES: Record<DiagnosisStatus, { text: string; tone: Tone; meaning: string }> = {
  asserted: { text: "AI-asserted", tone: "info", meaning: "The model's result; no clinician has reviewed it." },
  abstained: { text: "No answer", tone: "warning", meaning: "The model gave no answer; no clinician has reviewed it." },
  confirmed: { text: "Confirmed", tone: "success", meaning: "A clinician agrees with the model's result." },
  overridden: { text: "Overridden", tone: "warning", meaning: "A clinician replaced the model's result." },
  withdrawn: { text: "Withdrawn", tone: "danger", meaning: "A clinician withdrew the diagnosis: it is no longer valid." },
};

export const MODEL_STATUSES: Record<ModelStatus, string> = {
  unknown: "Not registered: the contract rejects its diagnoses",
  inUse: "Registered, in use",
  retired: "Retired: the contract rejects its new diagnoses",
};

/** The valid label; null after a withdrawal, and for a sealed diagnosis without its opening. */
export function currentLabel({ sealed, status, current }: Diagnosis, opening: Opening | null = null): string | null {
  if (status === "withdrawn" || !current) return null;
  if (!sealed) return current.label;
  return status === "overridden" ? null : (opening?.label ?? null);
}

/** The outcome of a record in words: the label that is valid now, or why there is none. */
export function outcomeOf(newest: Diagnosis | undefined): string {
  if (!newest) return "Image without diagnosis";
  const { sealed, status, current } = newest;
  if (status === "withdrawn" || !current) return "Withdrawn diagnosis";
  return sealed ? "Sealed diagnosis" : current.labelText;
}

/** The status to show beside the outcome; null where the outcome says it already. */
export const badgeOf = (newest: Diagnosis | undefined): DiagnosisStatus | null =>
  newest && newest.status !== "abstained" ? newest.status : null;

/** The model's own result, which no review changes; null while it is sealed. */
export function modelResultOf(diagnosis: Diagnosis, opening: Opening | null = null): Answer | null {
  const { sealed, label, labelCode, confidence } = diagnosis;
  return sealed ? opening : { label, labelCode, confidence: confidence ?? 0 };
}

/** Whether the model's own result is valid: nobody reviewed it, or a clinician agrees. */
export const isModelResultValid = ({ status }: Diagnosis): boolean => status === "asserted" || status === "confirmed";

/** The words for a label of a model; a model that is not installed here has none. */
export function labelText(label: string, model: Model | null): string {
  if (label === ABSTAINED) return "No answer";
  return model?.classes.find((known) => known.label === label)?.text ?? sentence(label);
}

/** The next steps for the valid label; none after a withdrawal or while the label is unknown. */
export function nextSteps(diagnosis: Diagnosis, model: Model | null, opening: Opening | null = null): NextStep[] {
  const label = currentLabel(diagnosis, opening);
  return label === null ? [] : (model?.nextSteps[label] ?? []);
}

export const modelOf = ({ modelId }: Diagnosis, models: Model[] | null): Model | null =>
  models?.find(({ sha256 }) => `0x${sha256}` === modelId) ?? null;
