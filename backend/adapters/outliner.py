"""The shipped segmentation bundles behind the port Outliner."""

from __future__ import annotations

from backend.adapters.classifier import facts_of
from backend.adapters.ml_images import one_image, told
from backend.domain import Outline
from ml.inference.registry import Registry
from ml.segmentation.overlay import outline_overlay


class BundleOutliner:
    """Each bundle is verified and loaded when it is first needed, and then stays in memory. Threads may share it."""

    def __init__(self, registry: Registry | None = None) -> None:
        self._registry = registry or Registry()

    def outline(self, modality: str, image: bytes) -> Outline | None:
        model = self._registry.outliner(modality)
        if model is None:
            return None
        with told(model.bundle.metadata.name), one_image():
            found = model.predict(image)
        return Outline(
            model=facts_of(model.bundle),
            reason=None if found.contours else "the model that outlines tumours sees none on this slice",
            contours=found.contours,
            pixels=found.pixels,
            share=found.share,
            probability=found.probability,
            overlay=outline_overlay(found) if found.contours else None,
        )
