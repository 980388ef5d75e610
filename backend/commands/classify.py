"""``scanproof classify``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from backend import settings as configuration
from backend.commands.arguments import WrongUse, file_or_folder
from backend.commands.console import Console, columns
from backend.commands.frames import add_frame, read_frame
from backend.commands.model_arguments import classifying_model
from backend.commands.slides import classify_slide, is_slide
from backend.commands.study import classified, in_words, is_study, values_of

if TYPE_CHECKING:
    from backend.adapters.models.bundled import BundledModels
    from backend.domain import GateOpinion, ModelFacts
    from ml.inference.prediction import Prediction

HELP = "Classify an image, or a folder of them as one study, as the server would; nothing is stored"
EXAMPLE = "scanproof classify scan.png --model brain-mri"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        metavar="FILE",
        type=file_or_folder,
        help="the image or whole slide; or one study: a folder, a ZIP, or DICOM of several frames",
    )
    parser.add_argument(
        "--model", metavar="NAME", type=classifying_model, help="the model (default: the one for this kind of image)"
    )
    parser.add_argument(
        "--force", action="store_true", help="show the model's numbers even if the gate declines the image; not for use"
    )
    add_frame(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    if (options.frame is None or options.file.is_dir()) and is_study(options.file):
        return _run_study(options, console)

    if is_slide(options.file):
        return _run_slide(options, console)

    from backend.adapters.images.decoded_images import DecodedImages
    from backend.adapters.models.bundled import BundledModels
    from backend.services.outline import outline_finding

    content = read_frame(options.file, options.frame)
    # Decoded once; the models that are open are others.
    images = DecodedImages()
    model, prediction, warning = _classified(BundledModels(images=images), content, options.model, force=options.force)
    outline = outline_finding(BundledModels(images=images), model, prediction, content)
    area = {"pixels": outline.pixels, "share": outline.share} if outline.contours else None
    values = {
        "label": prediction.label,
        "confidence": prediction.confidence,
        "probabilities": dict(prediction.probabilities),
        "abstained": prediction.abstained,
        "reason": prediction.reason,
        "outline": {"area": area, "contours": outline.contours, "reason": outline.reason},
        "model": {"name": model.name, "version": model.version, "sha256": model.sha256},
    }
    if options.force:
        values |= {"forced": warning is not None, "warning": warning}
    rows = [("Forced", warning)] if warning else []
    rows += [("Label", prediction.label), ("Confidence", f"{prediction.confidence:.1%}")]
    rows += [("Reason", prediction.reason)] if prediction.reason else []
    rows += [(f"  {label}", f"{p:.1%}") for label, p in prediction.probabilities.items()]
    rows += [("Outlined", f"{outline.pixels:,} pixels, {outline.share:.1%} of the head")] if outline.contours else []
    rows += [("Model", f"{model.name} {model.version}"), ("SHA-256", model.sha256)]
    note = "NOT FOR USE. No server signs this." if warning else "For research; not for diagnosis."
    console.result(values, f"{columns(rows)}\n\n{note}")
    return 0


def _run_slide(options: argparse.Namespace, console: Console) -> int:
    if options.force:
        raise WrongUse("--force is for one image: leave it out for a whole slide")
    if options.frame:
        raise WrongUse("--frame is for DICOM and NIfTI files: leave it out for a whole slide")
    values, rows = classify_slide(options.file, options.model, configuration.load())
    console.result(values, f"{columns(rows)}\n\nFor research; not for diagnosis.")
    return 0


def _run_study(options: argparse.Namespace, console: Console) -> int:
    if options.force:
        raise WrongUse("--force is for one image: leave it out for a study")
    if options.frame:
        raise WrongUse("--frame is for one file: leave it out for a study")
    documents, slices, left_out = classified(options.file, options.model, console)
    names = [each.name for each in slices]
    text = f"{in_words(documents, names, left_out)}\n\nFor research; not for diagnosis."
    console.result(values_of(documents, names, left_out), text)
    return 0


def _classified(
    models: BundledModels, content: bytes, name: str | None, *, force: bool
) -> tuple[ModelFacts, Prediction, str | None]:
    """The model, its output, and why a forced one is not for use.

    Its network and the gate's are in memory only meanwhile: an outline needs another.
    """
    from backend.services.classification import choose_model

    choice = choose_model(models, name, lambda gate: models.recognise(gate, content))
    model, opinion = choice.model, choice.opinion
    warning = None
    if force and opinion and model == opinion.gate:
        model = models.resolve(name)
        warning = f"not for use: {_recognised(opinion)}, and {model.name} was made for {model.modality} images"
    return model, models.predict(model, content)[0], warning


def _recognised(opinion: GateOpinion) -> str:
    return f"the gate recognises {f'a {opinion.modality} image' if opinion.modality else 'no known kind of image'}"
