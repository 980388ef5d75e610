"""Specifications of the models that ScanProof can train: purpose, classes and input."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ml.bundle.metadata import Abstention, ClassInfo, Metadata
from ml.errors import WrongChoice


@dataclass(frozen=True, slots=True)
class Specification:
    """The fixed part of a bundle's metadata, see ``ml.bundle.metadata.Metadata``.

    ``ml.training.choices`` and ``ml.training.datasheets`` fill in version, data and the texts on the data.
    """

    name: str
    kind: str
    modality: str
    architecture: str
    input_size: int
    channels: int
    preprocessing: str
    classes: tuple[ClassInfo, ...]
    intended_use: str
    weaknesses: tuple[str, ...]
    licence: str
    version: str = "1.0.0"
    data: str = ""
    weak: str | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(info.label for info in self.classes)

    def metadata(
        self,
        training: dict[str, Any],
        *,
        temperature: float = 1.0,
        abstention: Abstention | None = None,
        mask_threshold: float | None = None,
    ) -> Metadata:
        """The metadata of a bundle that is made now."""
        return Metadata(
            **{name: getattr(self, name) for name in Specification.__slots__},
            temperature=temperature,
            abstention=abstention,
            mask_threshold=mask_threshold,
            training=training,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
        )


MOBILENET_LICENCE = (
    "MIT; its encoder was trained on from ImageNet weights of MobileNet, which Google published under the Apache "
    "License 2.0"
)
LITE_LICENCE = (
    "MIT; its encoder was trained on from ImageNet weights of EfficientNet-Lite0, which Google published under the "
    "Apache License 2.0"
)
OTHER_LICENCE = "MIT; weights that it started from, if any, keep their own licence"
FROM_NOTHING_LICENCE = "MIT; weights trained from nothing"
LICENCES = {"lite_compact": LITE_LICENCE, "mobile_compact": MOBILENET_LICENCE, "mobile_unet": MOBILENET_LICENCE}
"""Licences of architectures that start from published weights, see ``ml/README.md``."""

BRAIN_MRI = Specification(
    name="brain-mri",
    kind="classifier",
    modality="brain-mri",
    architecture="mobile_compact",
    input_size=128,
    channels=1,
    preprocessing="grey-crop-pad-128-v1",
    classes=(
        ClassInfo("glioma", 1, "Glioma", "Looks like a tumour that grows from the brain's supporting (glial) cells."),
        ClassInfo("meningioma", 2, "Meningioma", "Looks like a tumour that grows from the membranes around the brain."),
        ClassInfo("notumor", 3, "No tumour", "None of the three kinds of tumour that this model knows was recognised."),
        ClassInfo("pituitary", 4, "Pituitary tumour", "Looks like a tumour of the pituitary gland, below the brain."),
    ),
    intended_use=(
        "Research and demonstration of provenance for image classification: one slice of brain MRI as a picture."
    ),
    weaknesses=(
        "The abstention limits are fitted to this collection. A body part or sequence that looks much like these "
        "images may still be answered.",
        "One slice as a picture is judged, not a study; nothing is known of age, history or other sequences.",
    ),
    licence=MOBILENET_LICENCE,
)

TUMOUR_OUTLINE = Specification(
    name="tumour-outline",
    kind="segmentation",
    modality="brain-mri",
    architecture="mobile_unet",
    input_size=224,
    channels=1,
    preprocessing="grey-crop-pad-224-v1",
    classes=(ClassInfo("tumour", 1, "Tumour", "The area that looks like the tumours which people outlined."),),
    intended_use=(
        "Research and demonstration: shows where, on a slice that a classifier takes for a tumour, the tumour may be. "
        "It does not tell whether there is one."
    ),
    weaknesses=(
        "One outline a slice is taken for the truth; where a border is diffuse, as in glioma, others may draw another.",
        "Only the most evident region of a slice is outlined: of several tumours, the others are not shown.",
        "One slice is outlined, not a volume; the area is in pixels, as a picture has no scale.",
    ),
    licence=MOBILENET_LICENCE,
)

BREAST_HISTOLOGY = Specification(
    name="breast-histology",
    kind="classifier",
    modality="breast-histology",
    architecture="tile_measures",
    input_size=700,
    channels=3,
    preprocessing="histology-tiles-700-v1",
    classes=(
        ClassInfo("benign", 1, "Benign", "Looks like the tissue of tumours that do not spread."),
        ClassInfo("malignant", 2, "Malignant", "Looks like the tissue of cancer."),
    ),
    intended_use=(
        "Research and demonstration of provenance for image classification: one photograph of a breast section, "
        "stained with haematoxylin and eosin, at 100 times magnification."
    ),
    weaknesses=(),
    licence="MIT (measures by design, weights fitted by this project)",
)

MODALITY_GATE = Specification(
    name="modality-gate",
    kind="gate",
    modality="brain MRI or breast histology",
    architecture="gate",
    input_size=64,
    channels=3,
    preprocessing="thumbnail-64-v1",
    classes=(
        ClassInfo("brain-mri", 1, "Brain MRI", "One slice of brain MRI."),
        ClassInfo("breast-histology", 2, "Breast histology", "A stained breast section."),
        ClassInfo("other", 3, "Something else", "None of the kinds of image that a model here was made for."),
    ),
    intended_use="Tells what kind of image was uploaded, so that the right model is asked, or none.",
    weaknesses=(
        "Sections in grey count as something else, as the histology model needs their colours; so do negatives of "
        "brains.",
        "It sees the whole image at 64 x 64 pixels: a screenshot with a scan somewhere in it is something else.",
    ),
    licence="MIT (weights trained from scratch by this project)",
)

SPECIFICATIONS = {
    specification.name: specification for specification in (BRAIN_MRI, TUMOUR_OUTLINE, BREAST_HISTOLOGY, MODALITY_GATE)
}


def specification_of(name: str) -> Specification:
    """The specification of the model ``name``. Raises WrongChoice where there is none."""
    if name not in SPECIFICATIONS:
        raise WrongChoice(f"expected one of the models {', '.join(SPECIFICATIONS)}, found {name!r}")
    return SPECIFICATIONS[name]
