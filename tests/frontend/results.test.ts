import { describe, expect, it } from "vitest";
import type { Measured, Results } from "../../frontend/src/api/types";
import { dataSets, figureOf, intervalOf, lossCurves, reliabilityCurve, rocCurves } from "../../frontend/src/results";

function measured(network: string, protocol: string, recipe = "source"): Measured {
  return {
    data: { name: "slides", labels: ["benign", "malignant"], images: 48, unit: "patient", groups: 6 },
    protocol,
    network: { name: network, source: "S1", frozen_backbone: false, weights: null, parameters: { total: 10, trainable: 9 } },
    recipe: { name: recipe },
    figures: {
      images: 48,
      groups: 6,
      resampled_by: "group",
      positive: "malignant",
      classes: {},
      confusion: { labels: [], rows_are_truth: [] },
      macro_auc: 0.6,
      macro_auc_interval: [0.5, 0.7],
      pr_auc: null,
      pr_auc_interval: null,
    },
    group_figures: null,
    curves: {
      roc: [{ label: "malignant", false_positive_rate: [0, 0.5, 1], true_positive_rate: [0, 0.9, 1] }],
      reliability: [{ confidence: 0.6, accuracy: 0.5, images: 4 }],
    },
    training: [
      { loss: [0.8, 0.6, 0.4], val_loss: [0.9, null, 0.7] },
      { loss: [0.6, 0.4], val_loss: [0.7, null] },
    ],
    cost: { seconds_per_epoch: 1, bytes: 1, milliseconds: 1 },
    cautions: [],
  };
}

const results: Results = {
  results: [
    measured("mobilenet", "grouped"),
    measured("basecnn", "grouped"),
    measured("basecnn", "paper"),
    measured("basecnn", "paper", "scanproof"),
  ],
  comparisons: [{ data: "slides", text: "They differ because …" }],
  published: [],
  notTrained: [{ data: "slides", networks: ["vgg16"] }],
};

describe("results", () => {
  it("puts the protocols of a network in one row, in the order in which they come", () => {
    const [set, ...others] = dataSets(results);

    expect(others).toEqual([]);
    expect(set!.protocols).toEqual(["grouped", "paper"]);
    expect(set!.rows.map(({ name, by }) => [name, [...by.keys()]])).toEqual([
      ["mobilenet", ["grouped"]],
      ["basecnn", ["grouped", "paper"]],
      ["basecnn, scanproof recipe", ["paper"]],
    ]);
    expect([set!.explanation, set!.notTrained]).toEqual(["They differ because …", ["vgg16"]]);
  });

  it("shows nothing where there is nothing", () => {
    expect(dataSets({ results: [], comparisons: [], published: [], notTrained: [] })).toEqual([]);
  });

  it("finds figures and intervals, and null where they are undefined", () => {
    const { figures } = results.results[0]!;

    expect([figureOf(figures, "macro_auc"), intervalOf(figures, "macro_auc")]).toEqual([0.6, [0.5, 0.7]]);
    expect([figureOf(figures, "pr_auc"), intervalOf(figures, "nothing")]).toEqual([null, null]);
  });

  it("draws the mean loss of the folds that went on, without undefined values", () => {
    const [train, validation] = lossCurves(results.results[0]!);

    expect(train!.points).toEqual([
      [1, 0.7],
      [2, 0.5],
      [3, 0.4],
    ]);
    expect(validation!.points).toEqual([
      [1, 0.8],
      [3, 0.7],
    ]);
  });

  it("draws ROC and reliability as they were measured", () => {
    const [result] = results.results;

    expect(rocCurves(result!)).toEqual([{ name: "malignant", points: [[0, 0], [0.5, 0.9], [1, 1]] }]);
    expect(reliabilityCurve(result!)[0]!.points).toEqual([[0.6, 0.5]]);
  });
});
