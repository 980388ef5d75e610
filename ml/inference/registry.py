"""The models that are installed, one folder each, loaded when first asked for."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from ml.bundle.bundle import LISTING, Bundle, load_bundle
from ml.bundle.kinds import KINDS, Answer
from ml.errors import BundleError, BundleNotFound

BUNDLES = Path(__file__).resolve().parents[1] / "bundles"
DEFAULT_MODALITY = "brain-mri"
"""What an image is taken for where no gate is installed."""

_log = logging.getLogger(__name__)


class Model(Protocol):
    """A bundle ready for images. ``predict`` gives a ``Prediction``, or what its kind gives instead."""

    bundle: Bundle

    def predict(self, source: bytes | Image.Image) -> Any: ...


class Registry:
    """Models by name. A bundle is verified once, when it is loaded, and then stays in memory. Threads may share it."""

    def __init__(self, folder: Path = BUNDLES) -> None:
        self.folder = folder
        self._models: dict[str, Model] = {}
        self._refused: set[str] = set()
        # An ensemble asks for its members while it is loaded.
        self._lock = threading.RLock()

    def names(self) -> tuple[str, ...]:
        """Names of the installed bundles, sorted."""
        return tuple(sorted(path.parent.name for path in self.folder.glob(f"*/{LISTING}")))

    def identities(self) -> dict[str, str]:
        """SHA-256 of every installed bundle by its name. Read from the listings alone: nothing is verified."""
        return {name: self._identity(name) for name in self.names()}

    def get(self, name: str) -> Model:
        """The model of a bundle.

        Raises:
            BundleNotFound: no such name.
            BundleError: the bundle is refused, see ``ml.bundle.bundle.load_bundle``.
        """
        with self._lock:
            if name not in self._models:
                if name not in self.names():
                    raise BundleNotFound(name, self.names())
                bundle = load_bundle(self.folder / name)
                self._models[name] = KINDS[bundle.metadata.kind].open(bundle, self.by_sha256)
            return self._models[name]

    def usable(self) -> Iterator[Model]:
        """The models of all bundles that are not refused, by name; why one is refused is logged once."""
        for name in self.names():
            try:
                yield self.get(name)
            except BundleError as error:
                if name not in self._refused:
                    self._refused.add(name)
                    _log.error("the model %s is refused: %s", name, error)

    def default(self, modality: str) -> Model:
        """What classifies images of a modality: the bundle that bears its name, else the first that does.

        Raises:
            BundleNotFound: no usable bundle for it.
        """
        fitting = [each for each in self._answering(Answer.DIAGNOSIS) if each.bundle.metadata.modality == modality]
        if not fitting:
            raise BundleNotFound(modality, self.names())
        return next((each for each in fitting if each.bundle.metadata.name == modality), fitting[0])

    def for_image(self, image: bytes | Image.Image) -> Model:
        """The model for an image of which nothing is known: the default one of the modality that the gate recognises.

        Where it recognises none, the gate itself, which then declines; without a gate, that of ``DEFAULT_MODALITY``.

        Raises:
            ImageError: see ``ml.preprocessing.images.decode_image``.
            BundleNotFound: no usable bundle for the modality.
        """
        gate = next(self._answering(Answer.MODALITY), None)
        if gate is None:
            return self.default(DEFAULT_MODALITY)
        seen = gate.predict(image)
        return gate if seen.abstained else self.default(seen.label)

    def outliner(self, modality: str) -> Model | None:
        """What outlines on images of a modality; None where nothing does."""
        outliners = self._answering(Answer.OUTLINE)
        return next((model for model in outliners if model.bundle.metadata.modality == modality), None)

    def by_sha256(self, sha256: str) -> Model:
        """The model with this identity (lower-case hex, the on-chain ``modelId``).

        Raises:
            BundleNotFound: none has it.
            BundleError: the one that has it is refused.
        """
        for name in self.names():
            if self._identity(name) == sha256:
                return self.get(name)
        raise BundleNotFound(sha256, self.names())

    def _identity(self, name: str) -> str:
        if model := self._models.get(name):
            return model.bundle.sha256
        return hashlib.sha256((self.folder / name / LISTING).read_bytes()).hexdigest()

    def _answering(self, answer: Answer) -> Iterator[Model]:
        return (model for model in self.usable() if KINDS[model.bundle.metadata.kind].answer is answer)
