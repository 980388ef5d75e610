"""How good the summary of a study is: the rule on blocks of slices with a tumour, and on healthy heads by person.

    python -m tests.benchmarks.study_rule [DATA]

The data is described in docs/STUDIES.md, with what the figures do not show. The rule was never tuned on the test part.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter, defaultdict
from pathlib import Path

from backend.adapters.ipfs.unixfs import cid_of
from backend.adapters.models.bundled import BundledModels
from backend.domain import SliceResult
from backend.services.classification import choose_model
from backend.services.study_rules import NEWEST, RULES
from backend.settings import ROOT

MODEL = "brain-mri"


def main(data: Path) -> None:
    models = BundledModels()
    found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for (kind, split, name, label), files in sorted(studies(data).items()):
        slices = [classified(models, order, file) for order, file in enumerate(files)]
        summary = RULES[NEWEST](slices)
        right = "right" if summary.label == label else "no answer" if summary.abstained else f"wrong: {summary.label}"
        found[kind, split][right] += 1
        print(f"{kind:<8} {split:<6} {name:<32} {label:<12} {len(files):3} slices  {summary.label}")
    print(f"\nRule {NEWEST}, model {MODEL}")
    for (kind, split), counts in sorted(found.items()):
        print(f"{kind:<8} {split:<6} {dict(counts)}")


def studies(data: Path) -> dict[tuple[str, str, str, str], list[Path]]:
    """The files of each study in their order: blocks of neighbouring slices, and the planes of each healthy head."""
    found: dict[tuple[str, str, str, str], list[Path]] = defaultdict(list)
    for row in rows(data / "tumor-masks"):
        key = ("tumour", row["split"], f"block {row['block']}", row["label"])
        found[key].append(data / "tumor-masks" / row["image"])
    for row in rows(data / "healthy-heads"):
        key = ("healthy", row["split"], f"{row['group']}, {row['plane']}", row["label"])
        found[key].append(data / "healthy-heads" / row["path"])
    return {key: sorted(files) for key, files in found.items()}


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def classified(models: BundledModels, order: int, file: Path) -> SliceResult:
    content = file.read_bytes()
    choice = choose_model(models, MODEL, lambda gate: models.recognise(gate, content))
    prediction, _ = models.predict(choice.model, content)
    return SliceResult(
        order=order,
        cid=cid_of(content),
        sha256="",
        size=len(content),
        manifest_hash="",
        model_sha256=choice.model.sha256,
        label=prediction.label,
        label_code=prediction.code,
        confidence=prediction.confidence,
        abstained=prediction.abstained,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared" / "data")
