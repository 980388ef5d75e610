"""Reads structured reports."""

from __future__ import annotations

import highdicom


def measurements_of(report: highdicom.sr.sop._SR) -> highdicom.sr.MeasurementReport:
    """The content of a report of TID 1500."""
    content = report.content
    assert isinstance(content, highdicom.sr.MeasurementReport)
    return content
