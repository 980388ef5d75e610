"""Networks that cannot be built, filled or explained."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ml.errors.root import MlError


class NetworkError(MlError):
    """A network cannot be built, filled with weights or explained."""


class UnknownArchitecture(NetworkError):
    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name
        self.known = tuple(known)
        super().__init__(f"expected one of the networks {', '.join(self.known)}, found {name!r}")


class NoImageNetWeights(NetworkError):
    def __init__(self, name: str) -> None:
        super().__init__(f"expected a file of weights or none: no ImageNet weights of {name} are published")
        self.name = name


class WeightsNotFound(NetworkError):
    def __init__(self, path: Path) -> None:
        super().__init__(f"expected a file of weights at {path}, found none")
        self.path = path


class WeightsUnfit(NetworkError):
    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class NetworkUnjoinable(NetworkError):
    """``expected`` is what all networks that are to be one must have."""

    def __init__(self, name: str, expected: str, found: str) -> None:
        super().__init__(f"networks can be joined that have {expected}, {name} has {found}")
        self.name = name
        self.expected = expected
        self.found = found


class HeadUnexplained(NetworkError):
    def __init__(self, layer: str, reason: str) -> None:
        super().__init__(f"layer {layer} cannot be explained: {reason}")
        self.layer = layer
        self.reason = reason
