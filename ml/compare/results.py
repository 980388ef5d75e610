"""Result files: one JSON file for each data set, protocol, network and recipe; README.md describes the fields."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml.bundle.files import write_whole
from ml.errors import ResultInvalid

SCHEMA = "scanproof.result/1"
RESULTS = Path(__file__).resolve().parents[1] / "results"
REQUIRED = {
    "schema": str,
    "data": dict,
    "protocol": str,
    "network": dict,
    "recipe": dict,
    "budget": dict,
    "seed": int,
    "figures": dict,
    "curves": dict,
    "training": list,
    "cost": dict,
    "cautions": list,
    "examples": list,
}

Result = dict[str, Any]


def result_path(folder: Path, data: str, protocol: str, network: str, recipe: str) -> Path:
    parts = (re.sub(r"[^A-Za-z0-9._-]+", "-", part) for part in (data, protocol, network, recipe))
    return folder / f"{'--'.join(parts)}.json"


def write_result(path: Path, result: Mapping[str, Any]) -> None:
    """Write a result atomically. Raises ValueError for a value that JSON does not have, such as NaN."""
    text = json.dumps(result, indent=1, allow_nan=False)
    # A list of numbers, such as a curve, stays on one line.
    text = re.sub(r"\[[^\[\]{}\"]*\]", lambda numbers: re.sub(r"\s+", " ", numbers[0]), text)
    write_whole(path, (text + "\n").encode())


def read_results(folder: Path = RESULTS) -> list[Result]:
    """All results in ``folder``, sorted by data set, then protocol, ``paper`` last, then balanced accuracy.

    Raises:
        ResultInvalid: a file is not a result of this schema.
    """
    results = [_read(path) for path in sorted(folder.glob("*.json"))]
    return sorted(results, key=_place)


def _place(result: Result) -> tuple[str, bool, str, float]:
    return (
        result["data"]["name"],
        result["protocol"] == "paper",
        result["protocol"],
        -result["figures"]["balanced_accuracy"],
    )


def _read(path: Path) -> Result:
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise ResultInvalid(path, f"cannot be read as JSON: {exc}") from exc
    if not isinstance(result, dict) or result.get("schema") != SCHEMA:
        found = result.get("schema") if isinstance(result, dict) else type(result).__name__
        raise ResultInvalid(path, f"expected the schema {SCHEMA}, found {found!r}")
    for name, kind in REQUIRED.items():
        if not isinstance(result.get(name), kind):
            raise ResultInvalid(path, f"expected {name} to be a {kind.__name__}, found {result.get(name)!r:.60}")
    return result
