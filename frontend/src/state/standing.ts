/** What holds of a diagnosis now, in words. */

import type { Diagnosis, Model, ModelStatus, NextStep, DiagnosisStatus } from "../api/types";
import { sentence } from "../format";
import type { Opening } from "./opening";
import type { Tone } from "./problems";

type Answer = Pick<Opening, "label" | "labelCode" | "confidence">;

const ABSTAINED = "abstained";

export const STATUSES: Record<DiagnosisStatus, { text: string; tone: Tone; meaning: string }> = {
  asserted: { text: "AI-asserted", tone: "info", meaning: "A model's answer that no clinician has reviewed." },
  confirmed: { text: "Confirmed", tone: "success", meaning: "A clinician agrees with the model's answer." },
  overridden: { text: "Overridden", tone: "warning", meaning: "A clinician put another result in place of the model's." },
  withdrawn: { text: "Withdrawn", tone: "danger", meaning: "A clinician withdrew the diagnosis: nothing of it holds any more." },
};

export const MODEL_STATUSES: Record<ModelStatus, string> = {
  unknown: "Not registered: the contract takes no diagnosis by it",
  inUse: "Registered, in use",
  retired: "Retired: the contract takes no new diagnosis by it",
};

/** The label that holds now, as far as it can be known here: a sealed one only with its opening. */
export function currentLabel({ sealed, status, current }: Diagnosis, opening: Opening | null = null): string | null {
  if (status === "withdrawn" || !current) return null;
  if (!sealed) return current.label;
  return status === "overridden" ? null : (opening?.label ?? null);
}

/** What the model itself said, which no review changes; null while it is sealed. */
export function answerOf(diagnosis: Diagnosis, opening: Opening | null = null): Answer | null {
  const { sealed, label, labelCode, confidence } = diagnosis;
  return sealed ? opening : { label, labelCode, confidence: confidence ?? 0 };
}

/** Whether the model's own answer holds: nobody reviewed it, or a clinician agrees. */
export const holdsAsSaid = ({ status }: Diagnosis): boolean => status === "asserted" || status === "confirmed";

/** The words for a label of a model; a model that is not installed here has none. */
export function labelText(label: string, model: Model | null): string {
  if (label === ABSTAINED) return "No answer";
  return model?.classes.find((known) => known.label === label)?.text ?? sentence(label);
}

/** What a person may do now; nothing after a withdrawal, nor where the label is not known. */
export function nextSteps(diagnosis: Diagnosis, model: Model | null, opening: Opening | null = null): NextStep[] {
  const label = currentLabel(diagnosis, opening);
  return label === null ? [] : (model?.nextSteps[label] ?? []);
}

export const modelOf = ({ modelId }: Diagnosis, models: Model[] | null): Model | null =>
  models?.find(({ sha256 }) => `0x${sha256}` === modelId) ?? null;
