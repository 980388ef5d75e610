"""The models that ScanProof can train: what each is for, its classes and its input."""

from __future__ import annotations

from dataclasses import dataclass

from ml.errors import UnknownModel
from ml.metadata import ClassInfo


@dataclass(frozen=True, slots=True)
class Specification:
    """The fixed part of a bundle's metadata, see ``ml.metadata.Metadata``."""

    name: str
    version: str
    modality: str
    input_size: int
    classes: tuple[ClassInfo, ...]
    intended_use: str
    data: str
    licence: str

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(info.label for info in self.classes)


BRAIN_MRI = Specification(
    name="brain-mri",
    version="1.0.0",
    modality="brain-mri",
    input_size=128,
    classes=(
        ClassInfo("glioma", 1, "Glioma", "Looks like a tumour that grows from the brain's supporting (glial) cells."),
        ClassInfo("meningioma", 2, "Meningioma", "Looks like a tumour that grows from the membranes around the brain."),
        ClassInfo("notumor", 3, "No tumour", "None of the three kinds of tumour that this model knows was recognised."),
        ClassInfo("pituitary", 4, "Pituitary tumour", "Looks like a tumour of the pituitary gland, below the brain."),
    ),
    intended_use=(
        "Research and demonstration of provenance for image classification: one slice of brain MRI as a picture. "
        "Not a medical device; not for diagnosis, screening or treatment."
    ),
    data=(
        "Public brain-tumour MRI collection of 7,023 images (Kaggle, CC0; its tumour images derive from figshare, "
        "CC BY 4.0), near-duplicates grouped and kept in one split."
    ),
    licence="MIT (weights trained from scratch by this project)",
)

SPECIFICATIONS = {specification.name: specification for specification in (BRAIN_MRI,)}


def specification_of(name: str) -> Specification:
    """Raises UnknownModel."""
    if name not in SPECIFICATIONS:
        raise UnknownModel(name, SPECIFICATIONS)
    return SPECIFICATIONS[name]
