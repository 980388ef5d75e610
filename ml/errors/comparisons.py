"""Networks that cannot be compared, and results that cannot be read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ml.errors.root import MlError


class ComparisonError(MlError):
    """Networks cannot be compared, or a result cannot be read."""


class UnknownProtocol(ComparisonError):
    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name
        self.known = tuple(known)
        super().__init__(f"expected one of the protocols {', '.join(self.known)}, found {name!r}")


class OutputNotFinite(ComparisonError):
    def __init__(self, network: str) -> None:
        super().__init__(f"expected finite outputs of {network} after training, found others: its training diverged")
        self.network = network


class ResultInvalid(ComparisonError):
    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class ResultsMissing(ComparisonError):
    def __init__(self, folder: Path) -> None:
        super().__init__(f"expected results of scanproof compare in {folder}, found none")
        self.folder = folder
