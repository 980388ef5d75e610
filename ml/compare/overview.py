"""All results together, as the page and the report show them. Needs no TensorFlow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from statistics import mean
from typing import Any

from ml.compare.published import PUBLISHED
from ml.compare.results import Result
from ml.networks.zoo import ZOO

NOTABLE = 0.02


def overview(results: Sequence[Result]) -> dict[str, Any]:
    """``results`` without their examples; ``comparisons``: a text for each data set on why protocols differ;
    ``published``: the sources' figures; ``not_trained``: for each data set the networks without a result."""
    names = list(dict.fromkeys(result["data"]["name"] for result in results))
    return {
        "results": [{key: value for key, value in result.items() if key != "examples"} for result in results],
        "comparisons": [{"data": name, "text": text} for name in names if (text := explain(of_data(results, name)))],
        "published": [asdict(each) for each in PUBLISHED],
        "not_trained": [{"data": name, "networks": not_trained(of_data(results, name))} for name in names],
    }


def of_data(results: Iterable[Result], name: str) -> list[Result]:
    return [result for result in results if result["data"]["name"] == name]


def not_trained(results: Iterable[Result]) -> list[str]:
    trained = {result["network"]["name"] for result in results}
    return [name for name in ZOO if name not in trained]


def explain(results: Sequence[Result]) -> str | None:
    """A text on why figures under ``paper`` and ``grouped`` differ, from the networks of one data set that were
    measured under both; None where there are none."""
    pairs = _measured_both_ways(results)
    if not pairs:
        return None
    by_image, by_patient = (mean(pair[place]["figures"]["macro_auc"] for pair in pairs) for place in (0, 1))
    unit = pairs[0][0]["data"]["unit"]
    many = "The network" if len(pairs) == 1 else f"The {len(pairs)} trained networks"
    verb, average = ("reaches", "a") if len(pairs) == 1 else ("reach", "on average a")
    measured = (
        f"{many} measured both ways {verb} {average} ROC-AUC of {by_image:.2f} where images are split at random "
        f"(paper), and of {by_patient:.2f} where no {unit} is in train and in test (grouped); 0.50 is chance. "
    )
    if by_image - by_patient < NOTABLE:
        return measured + f"Here, having seen other images of a {unit} does not help."
    return measured + (
        f"The difference of {by_image - by_patient:.2f} is what a network gains by having seen other images of the "
        f"same {unit}: they share stain, scanner and tissue, so a random split measures how well it recognises "
        f"{unit}s, not how well it classifies new ones. On a new {unit}, expect the grouped figures."
    )


def _measured_both_ways(results: Sequence[Result]) -> list[tuple[Result, Result]]:
    grouped = {_key(result): result for result in results if result["protocol"] == "grouped"}
    return [
        (result, grouped[_key(result)])
        for result in results
        if result["protocol"] == "paper"
        and _key(result) in grouped
        and None not in (result["figures"]["macro_auc"], grouped[_key(result)]["figures"]["macro_auc"])
    ]


def _key(result: Result) -> tuple[str, str]:
    return result["network"]["name"], result["recipe"]["name"]
