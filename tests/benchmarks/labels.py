"""The label of a code by ``ModelService`` beside a look-up in a dictionary: what a page of 200 records costs.

    uv run python -m tests.benchmarks.labels [--json] [--rounds N]

The service knows the installed and the retired models; the dictionary holds the same labels by model and code. They
take turns, and the fastest of all rounds counts.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from itertools import cycle, islice
from typing import Any

from backend.adapters.models.bundled import BundledModels
from backend.services.models import ModelService

RECORDS = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=200, help="pages of each")
    options = parser.parse_args()
    result = measure(options.rounds)
    print(json.dumps(result) if options.json else table(result))


def measure(rounds: int) -> dict[str, Any]:
    """Least microseconds of one page, of one label, and their ratio; seconds of the first page of a new service."""
    started = time.perf_counter()
    classifier = BundledModels()
    labels = {
        ("0x" + model.facts.sha256, label.code): (label.label, label.text)
        for model in classifier.known()
        for label in model.classes
    }
    first = time.perf_counter() - started
    models, page = ModelService(classifier), list(islice(cycle(labels), RECORDS))
    if [models.label(*each) for each in page] != [labels[each] for each in page]:
        raise AssertionError("the service and the dictionary give different labels")
    least = _in_turns(
        {
            "service": lambda: [models.label(*each) for each in page],
            "dictionary": lambda: [labels[each] for each in page],
        },
        rounds,
    )
    return {
        "microseconds_a_page": {name: round(1e6 * seconds, 1) for name, seconds in least.items()},
        "microseconds_a_label": {name: round(1e6 * seconds / RECORDS, 3) for name, seconds in least.items()},
        "ratio": round(least["service"] / least["dictionary"], 1),
        "seconds_to_read_the_models": round(first, 3),
        "records": RECORDS,
    }


def table(result: dict[str, Any]) -> str:
    lines = [f"{'labels by':<12}{'µs a page':>12}{'µs a label':>12}"]
    for name, page in result["microseconds_a_page"].items():
        lines.append(f"{name:<12}{page:>12.1f}{result['microseconds_a_label'][name]:>12.3f}")
    lines.append(f"ratio {result['ratio']}; reading the models once takes {result['seconds_to_read_the_models']} s")
    return "\n".join(lines)


def _in_turns(runs: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    least = dict.fromkeys(runs, float("inf"))
    for _ in range(rounds):
        for name, run in runs.items():
            started = time.perf_counter()
            run()
            least[name] = min(least[name], time.perf_counter() - started)
    return least


if __name__ == "__main__":
    main()
