"""The models that are installed, one folder each, loaded when first asked for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

from ml.bundle import LISTING, load_bundle
from ml.errors import BundleError, BundleNotFound
from ml.predictor import Predictor

BUNDLES = Path(__file__).parent / "bundles"
_log = logging.getLogger(__name__)


class Registry:
    """Models by name. A bundle is verified once, when it is loaded, and then stays in memory. Threads may share it."""

    def __init__(self, folder: Path = BUNDLES) -> None:
        self._folder = folder
        self._predictors: dict[str, Predictor] = {}
        self._refused: set[str] = set()
        self._lock = threading.Lock()

    def names(self) -> tuple[str, ...]:
        """Names of the installed bundles, sorted."""
        return tuple(sorted(path.parent.name for path in self._folder.glob(f"*/{LISTING}")))

    def get(self, name: str) -> Predictor:
        """The predictor of a bundle.

        Raises:
            BundleNotFound: no such name.
            BundleError: the bundle is refused, see ``ml.bundle.load_bundle``.
        """
        with self._lock:
            if name not in self._predictors:
                if name not in self.names():
                    raise BundleNotFound(name, self.names())
                self._predictors[name] = Predictor(load_bundle(self._folder / name))
            return self._predictors[name]

    def usable(self) -> Iterator[Predictor]:
        """The predictors of all bundles that are not refused, by name; why one is refused is logged once."""
        for name in self.names():
            try:
                yield self.get(name)
            except BundleError as error:
                if name not in self._refused:
                    self._refused.add(name)
                    _log.error("the model %s is refused: %s", name, error)

    def default(self, modality: str) -> Predictor:
        """The predictor for a modality: the bundle that bears its name, else the first of that modality.

        Raises:
            BundleNotFound: no usable bundle for it.
        """
        fitting = [each for each in self.usable() if each.bundle.metadata.modality == modality]
        if not fitting:
            raise BundleNotFound(modality, self.names())
        return next((each for each in fitting if each.bundle.metadata.name == modality), fitting[0])

    def by_sha256(self, sha256: str) -> Predictor:
        """The predictor with this identity (lower-case hex, the on-chain ``modelId``); raises BundleNotFound."""
        for predictor in self.usable():
            if predictor.bundle.sha256 == sha256:
                return predictor
        raise BundleNotFound(sha256, self.names())
