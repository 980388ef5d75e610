"""Datasheets of the collections that models are trained on, and the evaluations on test behind shipped models.

The card of a model that is trained on another collection says so and has none of these texts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ml.datasets.manifest import MANIFEST
from ml.training.specifications import Specification

MEASURED_ON = "measured_on"
"""The key of a bundle's ``training`` for the images on which combined members were calibrated and evaluated."""


@dataclass(frozen=True, slots=True)
class Datasheet:
    """A collection (Gebru et al. 2021). ``manifests`` has the SHA-256 of the files that identify it, by their paths in
    its folder. ``data``, ``weak`` and ``weaknesses`` are as in ``ml.bundle.metadata.Metadata``, for the models that
    learn from it."""

    manifests: Mapping[str, str]
    data: str
    weaknesses: tuple[str, ...]
    weak: str | None = None


BRAIN_MRI_MANIFEST = "f2a43ea421ac949cfa473b9d1ac23397a90cc309e7fd660f53c43a825dab5605"
TUMOR_MASKS_MANIFEST = "5d100592df4e98e64ec7894ba8827f68df32c4cb83c881174f7f9580419a2d32"
BREAKHIS_MANIFEST = "3789e6fb0d097c90ff1fe26cec9ef2e2277353fbf49ed0b49567814169dc8269"

DATASHEETS = {
    "brain-mri": Datasheet(
        {"manifest.csv": BRAIN_MRI_MANIFEST},
        "Public brain-tumour MRI collection of 7,023 images (Kaggle, CC0; its tumour images derive from figshare, "
        "CC BY 4.0), in which copies that lie the same way are one group, and a group is in one split.",
        (
            "The images without a tumour come from another source than the tumour images: other scanners, sequences, "
            "file sizes. Cropping the borders removes part of that clue, not all of it. On a hospital's own images the "
            "figures will be lower.",
            "Half of the images of test (410 of 796) and of val (387 of 784) are turned or mirrored copies of images "
            "of train; the collection's own groups hold only copies that are laid out alike. What the network learned "
            "by heart lifts the figures of the whole splits. Three pairs of copies have different labels.",
            "The collection has no patient ids: different slices of one patient may lie in different splits, so no "
            "figure is patient-level.",
            '"No tumour" means that none of the three kinds was recognised. Other lesions (strokes, metastases) have '
            "no class, and some images labelled as free of tumour show them.",
        ),
    ),
    "tumour-outline": Datasheet(
        {"manifest.csv": TUMOR_MASKS_MANIFEST},
        "Public set of contrast-enhanced T1 slices with the annotators' outlines (figshare, Jun Cheng 2017, CC BY "
        "4.0): glioma, meningioma and pituitary tumour, split into blocks of neighbouring slice numbers.",
        (
            "Every slice that it learned from shows a tumour, so it outlines something on most slices without one. It "
            "is asked only after a classifier has recognised a tumour, and a false alarm there becomes a false outline "
            "here.",
            "Only contrast-enhanced T1 slices were seen. On T2, FLAIR or plain T1, and on other scanners, expect less.",
            "The set as used has no patient ids. Blocks of neighbouring slice numbers are kept in one split, but a "
            "patient may still lie in two, so the figures are not patient-level. With six blocks in test, intervals "
            "are wide.",
        ),
    ),
    "breast-histology": Datasheet(
        {"manifest.csv": BREAKHIS_MANIFEST},
        "312 images of 18 patients at 100X from BreakHis (Spanhol et al. 2016, CC BY 4.0): 153 benign of 6 patients, "
        "159 malignant of 12.",
        (
            "One patient has 72 of the 153 benign images, and each fold but one has a single benign patient: what is "
            "called benign may be what is particular to these few. All 82 patients of BreakHis, and sections of other "
            "laboratories and scanners, would mend most of it.",
            "Colour, focus and thickness of the sections go with the patient. The stains are normalised, but the gap "
            "between the two protocols shows how much is still learned from them.",
            "The weights are fitted on all 312 images after the figures were taken. Measuring this bundle on those "
            "images again gives far better figures that mean nothing.",
            "It declines most images of new patients, yet is hardly more often right on the rest: how sure it is tells "
            "little. The shares given are out of fold, for want of confidence alone.",
            "Magnifications other than 100X, other stains and other organs were never seen, and are not always "
            "declined.",
        ),
        "This model is weak: it learned from 18 patients only. On the images of new patients it is often wrong, so it "
        "seldom answers.",
    ),
    "modality-gate": Datasheet(
        {"brain-mri/manifest.csv": BRAIN_MRI_MANIFEST, "breakhis-100x/manifest.csv": BREAKHIS_MANIFEST},
        "Train, val and test of the public brain-tumour MRI collection; 312 BreakHis images at 100X, patients kept in "
        "one split; pictures drawn by programme, photographs that come with scikit-image and scikit-learn, and brains "
        "and sections distorted until they are neither. In test all kinds of other pictures are ones never learned "
        "from.",
        (
            "The test has few kinds of other pictures. Other X-ray, CT or MRI images, and sections of other organs, "
            "were not at hand: expect them to pass for the nearest of the two kinds.",
            "A head in a drawing or a distorted scan (swirled brains, in the table) passes for a brain MRI.",
        ),
    ),
}
"""By the name of the model that learns from it."""

BRAIN_MRI_2_EVALUATIONS = (
    "The test part was looked at more than once while version 2 of brain-mri was made: mobile_compact alone (accuracy "
    "97.5 %, macro AUC 0.9981), with every slice seen mirrored as well (97.0 %, 0.9984), joined with brain-mri-128b "
    "(97.2 %, 0.9974), and joined with brain-mri-128. The last became version 2: by their losses on val the joined one "
    "with 128b and the mirrored one come first, but take one of twelve sample pictures, a meningioma, for a pituitary "
    "tumour. Looking so often flatters the figures a little. "
    "Version 2.0.1 has the same members, each weighed by its new temperature, and new limits."
)

REFIT_EVALUATIONS = (
    "It learned from train and val together, 5,120 images instead of 4,336, when network and recipe were settled. "
    "Temperature and limits are those of the version that learned from train alone, as no image is left to fit them "
    "on. 455 of the 796 test images have a copy among those that it learned from: the other 341 are what to go by.",
    "Test was looked at often while version 2 of brain-mri was made. Having learned from train alone: mobile_compact "
    "(accuracy 97.5 %, macro AUC 0.9981), the same with every slice seen mirrored as well (97.0 %, 0.9984), joined "
    "with brain-mri-128b (97.2 %, 0.9974), joined with brain-mri-128 (97.4 %, 0.9983: version 2.0.1), lite_compact "
    "(96.7 %, 0.9984), joined with mobile_compact (97.1 %, 0.9989). Having learned from val as well: mobile_compact "
    "(97.6 %, 0.9969), and at last that joined with brain-mri-128, the pair of version 2.0.1. Looking so often "
    "flatters the figures.",
)

TEST_EVALUATIONS = {
    ("brain-mri-mobile-refit", "1.0.0"): REFIT_EVALUATIONS,
    ("brain-mri-128-refit", "1.0.0"): REFIT_EVALUATIONS,
    ("brain-mri-mobile", "1.0.1"): (BRAIN_MRI_2_EVALUATIONS,),
    ("tumour-outline", "1.2.0"): (
        "The test part was looked at before: for version 1.0.0 (mean Dice 0.77), for version 1.1, the network that "
        "this one goes on from, at 160 pixels (0.784), and for two such networks, their logits averaged, that had "
        "learned from val as well (0.784). Version 1.2.0 was settled by val alone: 0.792 there, where 1.1 has 0.773.",
    ),
    ("breast-histology", "1.0.0"): (
        "More than two hundred variants (layers of an ImageNet network, sets of measures, strengths of regularisation) "
        "were looked at on the same five folds before this one, which has nothing to tune, was settled on: the grouped "
        "figures are somewhat flattered by that. Frozen ImageNet MobileNet features of normalised stains at full size, "
        "with a linear head, reached an AUC of 0.75 over all images and 0.80 a fold; they are not in the bundle.",
        "The test part of paper was measured twice, before and after a defect in how nuclei are parted was mended; "
        "before, its accuracy was 92.1 % and its AUC 0.965.",
    ),
    ("modality-gate", "1.0.0"): (
        "The sections of the test are of five patients. Test was looked at more than once: a limit that turned 1 % of "
        "the val images away turned 11 of its 55 sections away, and a detector of unlike images did no better. Both "
        "were dropped for a plain majority, which no data set.",
    ),
}
"""By name and version: how the evaluations on test during development make a shipped model's figures too good."""


def described(specification: Specification, model: str, data: Path) -> Specification:
    """``specification`` with the datasheet of the collection in the folder ``data``, for ``model`` trained on it."""
    known = DATASHEETS[model]
    found = {name: _sha256(data / name) for name in known.manifests}
    if found != known.manifests:
        return _undescribed(specification, found)
    evaluations = TEST_EVALUATIONS.get((specification.name, specification.version), ())
    weaknesses = (*known.weaknesses, *specification.weaknesses, *evaluations)
    return replace(specification, data=known.data, weak=known.weak, weaknesses=weaknesses)


def listed(data: Path) -> str:
    """The manifest of the folder ``data`` and its SHA-256, as text."""
    return _in_words({MANIFEST: _sha256(data / MANIFEST)})


def _in_words(manifests: Mapping[str, str | None]) -> str:
    return " and ".join(f"{name} with the SHA-256 {digest}" for name, digest in manifests.items())


def _undescribed(specification: Specification, manifests: Mapping[str, str | None]) -> Specification:
    return replace(
        specification,
        data=f"A collection that nothing is known of but what lists it: {_in_words(manifests)}.",
        weaknesses=(
            "Where these images come from, who labelled them, and whether images of one patient lie in two splits is "
            "not known here. The figures hold for images like them at best.",
            *specification.weaknesses,
        ),
    )


def _sha256(path: Path) -> str | None:
    """None where the file cannot be read: reading its rows will raise the error."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
