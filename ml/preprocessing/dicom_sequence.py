"""Which MR sequence a DICOM file is of, from attributes that de-identification keeps.

The words of Series Description decide, then Acquisition Contrast (PS3.3, section C.8.13.3.1), then the times of a spin
echo with the usual limits of weighting: McRobbie et al., MRI from Picture to Proton, 3rd edition, chapter 3.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

SEQUENCES = ["t1", "t1-post-contrast", "t2", "t2-star", "flair", "pd", "stir", "dwi", "adc", "swi", "mra", "perfusion"]
_CONTRASTS = {
    "T1": "t1",
    "T2": "t2",
    "T2_STAR": "t2-star",
    "FLUID_ATTENUATED": "flair",
    "PROTON_DENSITY": "pd",
    "STIR": "stir",
    "DIFFUSION": "dwi",
    "PERFUSION": "perfusion",
    "TOF": "mra",
}
_METHODS = (
    ("adc", {"ADC"}),
    ("dwi", {"DWI", "DTI", "DIFF", "DIFFUSION", "TRACE"}),
    ("perfusion", {"PERF", "PERFUSION", "DSC", "DCE"}),
    ("swi", {"SWI"}),
    ("mra", {"MRA", "TOF", "ANGIO"}),
    ("stir", {"STIR"}),
)
"""Words that decide whatever stands beside them, the first one first."""
_WEIGHTS = (("t1", {"T1", "T1W", "MPRAGE"}), ("t2", {"T2", "T2W"}), ("pd", {"PD"}))
_AFTER_CONTRAST = {"POST", "CE", "GAD", "GADOLINIUM", "CONTRAST"}
_BEFORE_CONTRAST = {"PRE", "NATIVE"}
_SEPARATORS = re.compile(r"[^A-Z0-9]+")
_SHORT_REPETITION_MS, _LONG_REPETITION_MS, _FLUID_REPETITION_MS = 800.0, 2000.0, 5000.0
_SHORT_ECHO_MS, _LONG_ECHO_MS = 30.0, 80.0
_FLUID_INVERSION_MS = 1500.0


def sequence_of(
    *,
    description: str,
    contrast: str,
    scanning: Sequence[str],
    repetition_ms: float | None,
    echo_ms: float | None,
    inversion_ms: float | None,
) -> str:
    """One of SEQUENCES, empty where the attributes do not tell. ``scanning`` are the terms of Scanning Sequence."""
    return (
        _by_words(set(_SEPARATORS.split(description.upper())))
        or _CONTRASTS.get(contrast.upper(), "")
        or _by_times(set(scanning), repetition_ms, echo_ms, inversion_ms)
    )


def _by_words(words: Collection[str]) -> str:
    for sequence, names in _METHODS:
        if names & set(words):
            return sequence
    weights = [weight for weight, names in _WEIGHTS if names & set(words)]
    if "FLAIR" in words and weights != ["t1"]:
        return "flair"
    if weights == ["t1"] and _AFTER_CONTRAST & set(words) and not _BEFORE_CONTRAST & set(words):
        return "t1-post-contrast"
    return weights[0] if len(weights) == 1 else ""


def _by_times(scanning: Collection[str], repetition: float | None, echo: float | None, inversion: float | None) -> str:
    """Gradient echoes are weighted by their flip angle too, and are left out."""
    if repetition is None or echo is None or "SE" not in scanning or set(scanning) & {"GR", "EP"}:
        return ""
    if "IR" in scanning or inversion:
        fluid = repetition >= _FLUID_REPETITION_MS and (inversion or 0) >= _FLUID_INVERSION_MS
        return "flair" if fluid and echo >= _LONG_ECHO_MS else ""
    if repetition < _SHORT_REPETITION_MS:
        return "t1" if echo < _SHORT_ECHO_MS else ""
    if repetition < _LONG_REPETITION_MS:
        return ""
    return "t2" if echo >= _LONG_ECHO_MS else "pd" if echo < _SHORT_ECHO_MS else ""
