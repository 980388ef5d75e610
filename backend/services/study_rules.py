"""The rules that make one summary of the results of all slices, by name and version.

A rule is a pure function. A released rule never changes: a study manifest names the rule that made its summary, and a
verification applies the same one. ``docs/STUDIES.md`` says what was measured.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from backend.domain import ABSTAINED_LABEL, SliceResult, StudySummary

_MILLION = 1_000_000
ABSTAINED = "abstained"
_NEGATIVE = frozenset({"notumor", "benign"})
"""The labels that name no finding. Every other label of a model is a finding."""


@dataclass(frozen=True, slots=True)
class _Run:
    """Neighbouring slices from ``first`` to ``last`` with the same label."""

    first: int
    last: int
    results: tuple[SliceResult, ...]

    @property
    def label(self) -> str:
        return self.results[0].label

    @property
    def rank(self) -> tuple[int, float, int]:
        """The longest run first, then the surer one, then the one that begins earlier."""
        return len(self.results), _mean(self.results), -self.first


def two_neighbours(slices: Sequence[SliceResult]) -> StudySummary:
    """A finding counts if two neighbouring slices agree on it; a study of one slice has its answer.

    A tumour is larger than the distance of two slices, and a single slice that stands out is more often an error. So
    single findings are no answer, neither for nor against. Without any finding, the summary is negative if at least
    half of the slices were answered. The confidence is the mean of the slices that decided.
    """
    runs = [_Run(group[0][0], group[-1][0], tuple(each for _, each in group)) for group in _grouped(slices)]
    findings = [run for run in runs if not run.results[0].abstained and run.label not in _NEGATIVE]
    agreed = [run for run in findings if len(run.results) >= min(2, len(slices))]
    if agreed:
        best = max(agreed, key=lambda run: run.rank)
        return _answer(slices, best.results, (best.first, best.last))
    if findings:
        names = ", ".join(sorted({run.label for run in findings}))
        return _abstention(slices, f"no two neighbouring slices agree on a finding; single slices show: {names}")
    answered = [each for each in slices if not each.abstained]
    if answered and 2 * len(answered) >= len(slices):
        return _answer(slices, answered, None)
    return _abstention(slices, f"only {len(answered)} of {len(slices)} slices were answered")


TWO_NEIGHBOURS = "two-neighbours/1"
RULES: Mapping[str, Callable[[Sequence[SliceResult]], StudySummary]] = {TWO_NEIGHBOURS: two_neighbours}
NEWEST = TWO_NEIGHBOURS


def _grouped(slices: Sequence[SliceResult]) -> list[list[tuple[int, SliceResult]]]:
    return [list(group) for _, group in itertools.groupby(enumerate(slices), key=lambda pair: pair[1].label)]


def _answer(
    slices: Sequence[SliceResult], deciding: Sequence[SliceResult], run: tuple[int, int] | None
) -> StudySummary:
    return StudySummary(
        label=deciding[0].label,
        label_code=deciding[0].label_code,
        confidence=_mean(deciding),
        abstained=False,
        reason=None,
        deciding=run,
        counts=_counts(slices),
    )


def _abstention(slices: Sequence[SliceResult], reason: str) -> StudySummary:
    return StudySummary(ABSTAINED, ABSTAINED_LABEL, 0.0, True, reason, None, _counts(slices))


def _counts(slices: Sequence[SliceResult]) -> dict[str, int]:
    return dict(sorted(Counter(each.label for each in slices).items()))


def _mean(results: Sequence[SliceResult]) -> float:
    """In whole millionths, halves up, so that every machine and language finds the same."""
    total = sum(round(each.confidence * _MILLION) for each in results)
    return (2 * total + len(results)) // (2 * len(results)) / _MILLION
