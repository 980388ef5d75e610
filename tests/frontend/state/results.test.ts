import { describe, expect, it } from "vitest";
import type { Figures, NetworkResult, Results } from "../../../frontend/src/api/types";
import { dataSets, FIGURES, lossCurves, reliabilityCurve, rocCurves, type Measure } from "../../../frontend/src/state/results";

const undefinedFigures = Object.fromEntries(
  [...FIGURES.map(({ name }) => name), "recall"].flatMap((name) => [
    [name, null],
    [`${name}_interval`, null],
  ]),
) as Pick<Figures, Measure | `${Measure}_interval`>;
const figures: Figures = {
  ...undefinedFigures,
  images: 48,
  groups: 6,
  resampled_by: "group",
  positive: "malignant",
  classes: {},
  confusion: { labels: [], rows_are_truth: [] },
};

function measured(network: string, protocol: string, recipe = "source"): NetworkResult {
  return {
    schema: "scanproof.result/1",
    data: {
      name: "slides",
      labels: ["benign", "malignant"],
      images: 48,
      unit: "patient",
      groups: 6,
      divisions: [{ train: 30, val: 6, test: 12 }],
      near_duplicate_sets_across_splits: 0,
      groups_across_splits: 0,
    },
    protocol,
    network: {
      name: network,
      source: "S1",
      frozen_backbone: false,
      weights: null,
      input_shape: [96, 96, 1],
      parameters: { total: 10, trainable: 9 },
    },
    recipe: { name: recipe },
    budget: { input_shape_of_the_source: [96, 96, 1], epochs_at_most: 3, epochs_of_the_recipe: 3, epochs_run: [3, 2] },
    seed: 7,
    figures,
    group_figures: null,
    curves: {
      roc: [{ label: "malignant", false_positive_rate: [0, 0.5, 1], true_positive_rate: [0, 0.9, 1] }],
      reliability: [{ confidence: 0.6, accuracy: 0.5, images: 4 }],
    },
    training: [
      { loss: [0.8, 0.6, 0.4], val_loss: [0.9, null, 0.7] },
      { loss: [0.6, 0.4], val_loss: [0.7, null] },
    ],
    cost: { seconds_per_epoch: 1, bytes: 1, milliseconds: 1, threads: 1, machine: "2 cores" },
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
