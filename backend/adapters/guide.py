"""The next steps of ``ml`` behind the port Guide."""

from __future__ import annotations

from collections.abc import Sequence

from ml.guidance.next_steps import NextStep, next_steps


class SourcedGuide:
    def next_steps(self, modality: str, label: str) -> Sequence[NextStep]:
        return next_steps(modality, label)
