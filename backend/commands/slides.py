"""What commands do with a file that is a whole-slide image: a clean copy of it is read by region."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.domain import LocalSlide

if TYPE_CHECKING:
    from backend.ports import Classifier, ObjectReader
    from backend.services.slides import SlideFiles
    from backend.settings import Settings


def is_slide(path: Path) -> bool:
    """Whether a file is a whole-slide image, also a damaged one."""
    from backend.adapters.slides import structure

    with path.open("rb") as file:
        return structure.is_slide(file)


@contextmanager
def clean_slide(path: Path, settings: Settings) -> Iterator[tuple[LocalSlide, Sequence[str]]]:
    """The slide as it would be pinned, and the names of what identified somebody. A copy without that is made below the
    folder of the settings, for as long as it is needed.

    Raises UnsupportedImage, ImageTooLarge, ServerBusy, StorageUnavailable.
    """
    from backend.adapters.ipfs.readers import DeferredReader
    from backend.adapters.slides.pooled import PooledSlides
    from backend.wiring import wire_copies, wire_store

    slides = PooledSlides(max_bytes=settings.slide_bytes)
    copies = wire_copies(settings, DeferredReader(lambda: wire_store(settings)))
    with copies.new(path.stat().st_size) as copy:
        removed = slides.clean(path, copy)
        copy.flush()
        source = Path(copy.name) if removed else path
        yield LocalSlide(source, slides.inspect(source)), removed


def slide_files(settings: Settings, store: ObjectReader, classifier: Classifier) -> SlideFiles:
    """Slides of ``store`` for a verification."""
    from backend.adapters.slides.pooled import PooledSlides
    from backend.services.slide_classification import SlideClassification
    from backend.services.slides import SlideFiles
    from backend.wiring import wire_copies

    slides = PooledSlides(max_bytes=settings.slide_bytes)
    return SlideFiles(
        inspector=slides, copies=wire_copies(settings, store), fields=SlideClassification(classifier, slides)
    )


def classify_slide(
    path: Path, model_name: str | None, settings: Settings
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The result for a slide as the server would give it: for JSON, and as rows for people."""
    from backend.adapters.models.bundled import BundledModels
    from backend.adapters.slides.pooled import PooledSlides
    from backend.services.manifests import field_values
    from backend.services.slide_classification import SlideClassification

    models = BundledModels()
    fields = SlideClassification(models, PooledSlides(max_bytes=settings.slide_bytes))
    model = fields.model(model_name)
    with clean_slide(path, settings) as (slide, _):
        answer, _ = fields.answer(slide, model, models.gate())
    values = {
        "label": answer.label,
        "confidence": answer.confidence,
        "probabilities": dict(answer.probabilities),
        "abstained": answer.abstained,
        "reason": answer.reason,
        "outline": {"area": None, "contours": [], "reason": "a slide is not outlined"},
        "model": {"name": model.name, "version": model.version, "sha256": model.sha256},
        "rule": answer.rule,
        "tiles": [field_values(field) for field in answer.fields],
    }
    answered = sum(not field.abstained for field in answer.fields)
    rows = [("Label", answer.label), ("Confidence", f"{answer.confidence:.1%}")]
    rows += [("Reason", answer.reason)] if answer.reason else []
    rows += [(f"  {label}", f"{p:.1%}") for label, p in answer.probabilities.items()]
    rows += [("Fields", f"{len(answer.fields)} read, {answered} answered ({answer.rule})")]
    rows += [("Model", f"{model.name} {model.version}"), ("SHA-256", model.sha256)]
    return values, rows
