/** The events of the contract in words. */

import type { Diagnosis, LedgerEntry } from "../api/types";
import { short } from "../format";
import { diagnosisTitle, reviewTitle } from "./timeline";

export function titleOf(entry: LedgerEntry): string {
  switch (entry.kind) {
    case "imageRegistered":
      return "Image registered";
    case "diagnosisRecorded":
      return diagnosisTitle(entry, entry.labelText);
    case "diagnosisReviewed":
      return reviewTitle(entry.verdict, entry.sealed ? null : entry.labelText);
    case "modelRegistered":
      return `Model registered: ${modelName(entry)}`;
    case "modelRetired":
      return `Model retired: ${modelName(entry)}`;
    case "trainingAnchored":
      return `Training anchored: ${modelName(entry)}`;
  }
}

/** A model that is not installed here has no name. */
const modelName = ({ model, modelId }: Pick<Diagnosis, "model" | "modelId">) =>
  model ? `${model.name} ${model.version}` : short(modelId);
