/** What the networks reached, arranged for tables and charts. */

import type { Figures, NetworkResult, Results } from "../api/types";

export const PROTOCOLS: Record<string, string> = {
  grouped: "No patient on both sides",
  manifest: "The data set's own split",
  paper: "Random split, as published",
};

/** A network with a recipe, and its result under each protocol. */
export interface Row {
  name: string;
  source: string;
  by: Map<string, NetworkResult>;
}

export interface DataSet {
  name: string;
  about: NetworkResult["data"];
  /** The most honest first. */
  protocols: string[];
  rows: Row[];
  explanation: string | null;
  notTrained: string[];
}

/** The results arrive with the honest protocol first and the best first within it; that order stays. */
export function dataSets({ results, comparisons, notTrained }: Results): DataSet[] {
  const names = [...new Set(results.map(({ data }) => data.name))];
  return names.flatMap((name) => {
    const own = results.filter(({ data }) => data.name === name);
    const [first] = own;
    if (!first) return [];
    return {
      name,
      about: first.data,
      protocols: [...new Set(own.map(({ protocol }) => protocol))],
      rows: rowsOf(own),
      explanation: comparisons.find(({ data }) => data === name)?.text ?? null,
      notTrained: notTrained.find(({ data }) => data === name)?.networks ?? [],
    };
  });
}

function rowsOf(results: NetworkResult[]): Row[] {
  const rows = new Map<string, Row>();
  for (const result of results) {
    const name = title(result);
    const row = rows.get(name) ?? { name, source: result.network.source, by: new Map<string, NetworkResult>() };
    row.by.set(result.protocol, result);
    rows.set(name, row);
  }
  return [...rows.values()];
}

/** The recipe is named where it is not the source's own. */
export function title({ network, recipe }: NetworkResult): string {
  return recipe.name === "source" ? network.name : `${network.name}, ${recipe.name} recipe`;
}

/** The figures that have an interval. */
export type Measure = keyof Figures extends infer Name ? (Name extends `${infer Own}_interval` ? Own : never) : never;
export type Interval = [low: number, high: number];

/** The shown figures; shares are in percent. */
export const FIGURES: { name: Measure; title: string; share: boolean }[] = [
  { name: "accuracy", title: "Accuracy", share: true },
  { name: "balanced_accuracy", title: "Balanced accuracy", share: true },
  { name: "error_rate", title: "Error rate", share: true },
  { name: "sensitivity", title: "Sensitivity (recall)", share: true },
  { name: "specificity", title: "Specificity", share: true },
  { name: "precision", title: "Precision", share: true },
  { name: "f1", title: "F1", share: false },
  { name: "macro_auc", title: "ROC-AUC", share: false },
  { name: "pr_auc", title: "PR-AUC", share: false },
  { name: "brier_score", title: "Brier score", share: false },
  { name: "expected_calibration_error", title: "Calibration error", share: false },
  { name: "negative_log_likelihood", title: "Loss", share: false },
];

export type Point = [x: number, y: number];

export interface Line {
  name: string;
  points: Point[];
}

/** Loss by epoch, the mean over the networks that were still trained then. */
export function lossCurves({ training }: NetworkResult): Line[] {
  return [
    { name: "train", points: meanByEpoch(training.map((history) => history.loss ?? [])) },
    { name: "validation", points: meanByEpoch(training.map((history) => history.val_loss ?? [])) },
  ].filter(({ points }) => points.length > 0);
}

function meanByEpoch(histories: (number | null)[][]): Point[] {
  const epochs = Math.max(0, ...histories.map((history) => history.length));
  const points: Point[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    const values = histories.map((history) => history[epoch]).filter((value) => typeof value === "number");
    if (values.length > 0) points.push([epoch + 1, values.reduce((sum, value) => sum + value, 0) / values.length]);
  }
  return points;
}

export function rocCurves({ curves }: NetworkResult): Line[] {
  return curves.roc.map(({ label, false_positive_rate, true_positive_rate }) => ({
    name: label,
    points: false_positive_rate.map((x, place): Point => [x, true_positive_rate[place] ?? 0]),
  }));
}

export function reliabilityCurve({ curves }: NetworkResult): Line[] {
  return [{ name: "measured", points: curves.reliability.map(({ confidence, accuracy }): Point => [confidence, accuracy]) }];
}
