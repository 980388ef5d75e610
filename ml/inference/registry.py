"""The installed models, one folder each: verified on first request, opened on first use."""

from __future__ import annotations

import hashlib
import logging
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from ml.bundle.bundle import LISTING, Bundle, BundleDocuments, load_bundle, load_documents, read_file
from ml.bundle.kinds import KINDS, Answer
from ml.bundle.metadata import Metadata
from ml.bundle.retired import RetiredBundles
from ml.errors import BundleError, BundleNotFound

BUNDLES = Path(__file__).resolve().parents[1] / "bundles"
RETIRED = "retired"
DEFAULT_MODALITY = "brain-mri"
"""The modality that is assumed where no gate is installed."""

_log = logging.getLogger(__name__)


class Model(Protocol):
    """A loaded bundle. ``predict`` returns a ``Prediction``, or the answer of its kind."""

    bundle: Bundle

    @property
    def members(self) -> Sequence[Model]:
        """The models that an ensemble combines; empty for other kinds."""

    def predict(self, source: bytes | Image.Image) -> Any: ...


class Registry:
    """Models by name. A bundle is verified once and then stays in memory. Thread-safe.

    The retired bundles of ``folder`` are found by their identity, so that their records reproduce, and as members of
    other models; they are not listed.
    """

    def __init__(self, folder: Path = BUNDLES) -> None:
        self.folder = folder
        self.retired = RetiredBundles(folder / RETIRED)
        self._bundles: dict[str, Bundle] = {}
        self._metadata: dict[str, Metadata] = {}
        self._models: dict[str, Model] = {}
        self._refused: set[str] = set()
        # Re-entrant: an ensemble opens its members while it is opened.
        self._lock = threading.RLock()

    def names(self) -> tuple[str, ...]:
        """Names of the installed bundles, sorted."""
        if not self.folder.is_dir():
            return ()
        return tuple(sorted(folder.name for folder in self.folder.iterdir() if (folder / LISTING).is_file()))

    def identities(self) -> dict[str, str]:
        """SHA-256 of every installed bundle by its name. Read from the listings alone: nothing is verified."""
        return {name: self._identity(name) for name in self.names()}

    def bundle(self, name: str) -> Bundle:
        """A verified bundle by its name, without opening its model.

        Raises:
            BundleNotFound: no such name.
            BundleError: the bundle is refused, see ``ml.bundle.bundle.load_bundle``.
        """
        return self._load(self._installed(name))

    def get(self, name: str) -> Model:
        """The model of a bundle. Raises as ``bundle``, and BundleError where its files do not work together."""
        return self._open(self._installed(name))

    def identity(self, name: str) -> str:
        """The SHA-256 of the model ``name``, also of a retired one, from which other models may be built.

        Raises:
            BundleNotFound: no such name.
        """
        if name not in self.names() and (sha256 := self.retired.names().get(name)):
            return sha256
        return self._identity(self._installed(name))

    @contextmanager
    def files(self, sha256: str) -> Iterator[Path]:
        """The folder with the files of a bundle; that of a retired one is temporary. Raises as ``by_sha256``."""
        key = self._key_of(sha256)
        if key != sha256:
            yield self.folder / key
            return
        with tempfile.TemporaryDirectory() as folder:
            self.retired.unpack(sha256, Path(folder))
            yield Path(folder)

    def bundles(self) -> Iterator[Bundle]:
        """All bundles that are not refused, by name; the reason of a refusal is logged once."""
        return (bundle for name in self.names() if (bundle := self._usable(name)))

    def default(self, modality: str) -> Model:
        """The model that classifies images of a modality: the bundle of the same name, else the first one.

        Raises:
            BundleNotFound: no usable bundle for it.
        """
        fitting = sorted(self._answering(Answer.DIAGNOSIS, modality), key=lambda name: name != modality)
        for model in filter(None, map(self._opened, fitting)):
            return model
        raise BundleNotFound(modality, self.names())

    def gate(self) -> Model | None:
        """The model that recognises the modality of an image; None where there is none."""
        return next(filter(None, map(self._opened, self._answering(Answer.MODALITY))), None)

    def for_image(self, image: bytes | Image.Image) -> Model:
        """The model for an image of unknown modality: the default one of the modality that the gate recognises.

        Where the gate recognises none, the gate itself, which declines; without a gate, that of ``DEFAULT_MODALITY``.

        Raises:
            ImageError: see ``ml.preprocessing.images.decode_image``.
            BundleNotFound: no usable bundle for the modality.
        """
        gate = self.gate()
        if gate is None:
            return self.default(DEFAULT_MODALITY)
        seen = gate.predict(image)
        return gate if seen.abstained else self.default(seen.label)

    def outliner(self, modality: str) -> Model | None:
        """The model that outlines regions on images of a modality; None where there is none."""
        return next(filter(None, map(self._opened, self._answering(Answer.OUTLINE, modality))), None)

    def by_sha256(self, sha256: str) -> Model:
        """The model with this identity (lower-case hex, the on-chain ``modelId``), also a retired one.

        Raises:
            BundleNotFound: none has it.
            BundleError: the one that has it is refused.
        """
        return self._open(self._key_of(sha256))

    def documents(self, sha256: str) -> BundleDocuments:
        """The documents of the bundle with this identity, also of a retired one; no other file is read.

        Raises as ``by_sha256``.
        """
        key = self._key_of(sha256)
        if key == sha256:
            return self.retired.documents(key)
        return self._bundles.get(key) or load_documents(self.folder / key)

    def file(self, sha256: str, name: str) -> bytes | None:
        """A file of the installed bundle with this identity, see ``ml.bundle.bundle.read_file``.

        Raises:
            BundleNotFound: no installed bundle has it, or only a retired one.
            BundleError: the file is not the one that the bundle lists.
        """
        key = self._key_of(sha256)
        if key == sha256:
            raise BundleNotFound(sha256, self.names())
        return read_file(self.folder / key, sha256, name)

    def _key_of(self, sha256: str) -> str:
        """The name of the installed bundle with this identity, or the identity itself of a retired one."""
        for name in self.names():
            if self._identity(name) == sha256:
                return name
        if self.retired.has(sha256):
            return sha256
        raise BundleNotFound(sha256, self.names())

    def _installed(self, name: str) -> str:
        if name not in self.names():
            raise BundleNotFound(name, self.names())
        return name

    def _load(self, key: str) -> Bundle:
        """A bundle by its key, see ``_key_of``."""
        with self._lock:
            if key not in self._bundles:
                retired = self.retired.has(key)
                self._bundles[key] = self.retired.bundle(key) if retired else load_bundle(self.folder / key)
            return self._bundles[key]

    def _open(self, key: str) -> Model:
        with self._lock:
            if key not in self._models:
                bundle = self._load(key)
                self._models[key] = KINDS[bundle.metadata.kind].open(bundle, self.by_sha256)
            return self._models[key]

    def _identity(self, name: str) -> str:
        if bundle := self._bundles.get(name):
            return bundle.sha256
        return hashlib.sha256((self.folder / name / LISTING).read_bytes()).hexdigest()

    def _answering(self, answer: Answer, modality: str | None = None) -> Iterator[str]:
        """Names of bundles that say so. Only their documents are read: the caller opens the one that it needs."""
        for name in self.names():
            metadata = self._metadata_of(name)
            if metadata and KINDS[metadata.kind].answer is answer and modality in (None, metadata.modality):
                yield name

    def _metadata_of(self, name: str) -> Metadata | None:
        """The metadata of an installed name, unless its documents are refused."""
        if name not in self._metadata:
            try:
                self._metadata[name] = (self._bundles.get(name) or load_documents(self.folder / name)).metadata
            except BundleError as error:
                self._log_refused(name, error)
        return self._metadata.get(name)

    def _usable(self, name: str) -> Bundle | None:
        """The bundle of an installed name, unless it is refused."""
        try:
            return self._load(name)
        except BundleError as error:
            self._log_refused(name, error)
            return None

    def _opened(self, name: str) -> Model | None:
        """The model of an installed name, unless it is refused."""
        try:
            return self._open(name)
        except BundleError as error:
            self._log_refused(name, error)
            return None

    def _log_refused(self, name: str, error: BundleError) -> None:
        if name not in self._refused:
            self._refused.add(name)
            _log.error("the model %s is refused: %s", name, error)
