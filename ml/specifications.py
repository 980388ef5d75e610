"""The models that ScanProof can train: what each is for, its classes and its input."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ml.errors import UnknownModel
from ml.metadata import Abstention, ClassInfo, Metadata


@dataclass(frozen=True, slots=True)
class Specification:
    """The fixed part of a bundle's metadata, see ``ml.metadata.Metadata``."""

    name: str
    version: str
    kind: str
    modality: str
    architecture: str
    input_size: int
    channels: int
    preprocessing: str
    classes: tuple[ClassInfo, ...]
    intended_use: str
    data: str
    weak: str | None
    weaknesses: tuple[str, ...]
    licence: str

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
        """Those of a bundle that is made now."""
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
LICENCES = {"lite_compact": LITE_LICENCE}
"""Of architectures that no specification has, for weights that begin as ``ml/README.md`` says."""

BRAIN_MRI_WEAKNESSES = (
    "The images without a tumour come from another source than the tumour images: other scanners, sequences, file "
    "sizes. Cropping the borders removes part of that clue, not all of it. On a hospital's own images the figures will "
    "be lower.",
    "Half of the images of test (410 of 796) and of val (387 of 784) are turned or mirrored copies of images of train; "
    "the collection's own groups hold only copies that are laid out alike. What the network learned by heart lifts the "
    "figures of the whole splits; those of the images apart from train stand beside them (45 of the 386 in test have a "
    "copy in val). Three pairs of copies have different labels.",
    "The collection has no patient ids: different slices of one patient may lie in different splits, so no figure is "
    "patient-level.",
    '"No tumour" means that none of the three kinds was recognised. Other lesions (strokes, metastases) have no '
    "class, and some images labelled as free of tumour show them.",
    "The abstention limits are fitted to this collection. A body part or sequence that looks much like these images "
    "may still be answered.",
    "One slice as a picture is judged, not a study; nothing is known of age, history or other sequences.",
    "The test part was looked at more than once while version 2 of brain-mri was made: mobile_compact alone (accuracy "
    "97.5 %, macro AUC 0.9981), with every slice seen mirrored as well (97.0 %, 0.9984), joined with brain-mri-128b "
    "(97.2 %, 0.9974), and joined with brain-mri-128. The last became version 2: by their losses on val the joined one "
    "with 128b and the mirrored one come first, but take one of twelve sample pictures, a meningioma, for a pituitary "
    "tumour. Looking so often flatters the figures a little. "
    "Version 2.0.1 has the same members, each weighed by its new temperature, and new limits.",
)

BRAIN_MRI = Specification(
    name="brain-mri",
    version="2.0.1",
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
    data=(
        "Public brain-tumour MRI collection of 7,023 images (Kaggle, CC0; its tumour images derive from figshare, "
        "CC BY 4.0), in which copies that lie the same way are one group, and a group is in one split."
    ),
    weak=None,
    weaknesses=BRAIN_MRI_WEAKNESSES,
    licence=MOBILENET_LICENCE,
)

TUMOUR_OUTLINE = Specification(
    name="tumour-outline",
    version="1.1.1",
    kind="segmentation",
    modality="brain-mri",
    architecture="mobile_unet",
    input_size=160,
    channels=1,
    preprocessing="grey-crop-pad-160-v1",
    classes=(ClassInfo("tumour", 1, "Tumour", "The area that looks like the tumours which people outlined."),),
    intended_use=(
        "Research and demonstration: shows where, on a slice that a classifier takes for a tumour, the tumour may be. "
        "It does not tell whether there is one."
    ),
    data=(
        "Public set of contrast-enhanced T1 slices with the annotators' outlines (figshare, Jun Cheng 2017, CC BY "
        "4.0): glioma, meningioma and pituitary tumour, split into blocks of neighbouring slice numbers."
    ),
    weak=None,
    weaknesses=(
        "Every slice that it learned from shows a tumour, so it outlines something on most slices without one. It is "
        "asked only after a classifier has recognised a tumour, and a false alarm there becomes a false outline here.",
        "Only contrast-enhanced T1 slices were seen. On T2, FLAIR or plain T1, and on other scanners, expect less.",
        "The set as used has no patient ids. Blocks of neighbouring slice numbers are kept in one split, but a patient "
        "may still lie in two, so the figures are not patient-level. With six blocks in test, intervals are wide.",
        "One outline a slice is taken for the truth; where a border is diffuse, as in glioma, others may draw another.",
        "Only the most evident region of a slice is outlined: of several tumours, the others are not shown.",
        "One slice is outlined, not a volume; the area is in pixels, as a picture has no scale.",
        "The test part was looked at again for a candidate: two such networks, their logits averaged, that had learned "
        "from val as well. It has a mean Dice of 0.784 too, so this one stayed.",
    ),
    licence=MOBILENET_LICENCE,
)

BREAST_HISTOLOGY = Specification(
    name="breast-histology",
    version="1.0.0",
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
    data=(
        "312 images of 18 patients at 100X from BreakHis (Spanhol et al. 2016, CC BY 4.0): 153 benign of 6 patients, "
        "159 malignant of 12."
    ),
    weak=(
        "This model is weak: it learned from 18 patients only. On the images of new patients it is often wrong, so it "
        "seldom answers."
    ),
    weaknesses=(
        "One patient has 72 of the 153 benign images, and each fold but one has a single benign patient: what is "
        "called benign may be what is particular to these few. All 82 patients of BreakHis, and sections of other "
        "laboratories and scanners, would mend most of it.",
        "Colour, focus and thickness of the sections go with the patient. The stains are normalised, but the gap "
        "between the two protocols shows how much is still learned from them.",
        "The weights are fitted on all 312 images after the figures were taken. Measuring this bundle on those images "
        "again gives far better figures that mean nothing.",
        "More than two hundred variants (layers of an ImageNet network, sets of measures, strengths of regularisation) "
        "were looked at on the same five folds before this one, which has nothing to tune, was settled on: the grouped "
        "figures are somewhat flattered by that. Frozen ImageNet MobileNet features of normalised stains at full size, "
        "with a linear head, reached an AUC of 0.75 over all images and 0.80 a fold; they are not in the bundle.",
        "The test part of paper was measured twice, before and after a defect in how nuclei are parted was mended; "
        "before, its accuracy was 92.1 % and its AUC 0.965.",
        "It declines most images of new patients, yet is hardly more often right on the rest: how sure it is tells "
        "little. The shares given are out of fold, for want of confidence alone.",
        "Magnifications other than 100X, other stains and other organs were never seen, and are not always declined.",
    ),
    licence="MIT (measures by design, weights fitted by this project)",
)

MODALITY_GATE = Specification(
    name="modality-gate",
    version="1.0.0",
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
    data=(
        "Train, val and test of the public brain-tumour MRI collection; 312 BreakHis images at 100X, patients kept in "
        "one split; pictures drawn by programme, photographs that come with scikit-image and scikit-learn, and brains "
        "and sections distorted until they are neither. In test all kinds of other pictures are ones never learned "
        "from."
    ),
    weak=None,
    weaknesses=(
        "The test has few kinds of other pictures. Other X-ray, CT or MRI images, and sections of other organs, were "
        "not at hand: expect them to pass for the nearest of the two kinds.",
        "Sections in grey count as something else, as the histology model needs their colours; so do negatives of "
        "brains.",
        "A head in a drawing or a distorted scan (swirled brains, in the table) passes for a brain MRI.",
        "The sections of the test are of five patients. Test was looked at more than once: a limit that turned 1 % of "
        "the val images away turned 11 of its 55 sections away, and a detector of unlike images did no better. Both "
        "were dropped for a plain majority, which no data set.",
        "It sees the whole image at 64 x 64 pixels: a screenshot with a scan somewhere in it is something else.",
    ),
    licence="MIT (weights trained from scratch by this project)",
)

SPECIFICATIONS = {
    specification.name: specification for specification in (BRAIN_MRI, TUMOUR_OUTLINE, BREAST_HISTOLOGY, MODALITY_GATE)
}


def specification_of(name: str) -> Specification:
    """Raises UnknownModel."""
    if name not in SPECIFICATIONS:
        raise UnknownModel(name, SPECIFICATIONS)
    return SPECIFICATIONS[name]
