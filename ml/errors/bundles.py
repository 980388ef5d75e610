"""Model bundles that are refused."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ml.errors.root import MlError


class BundleError(MlError):
    """A model bundle is refused."""


class BundleNotFound(BundleError):
    def __init__(self, name: str, available: Iterable[str]) -> None:
        self.name = name
        self.available = tuple(available)
        super().__init__(f"no model named {name!r}; available: {', '.join(self.available) or 'none'}")


class BundleFileMissing(BundleError):
    def __init__(self, path: Path) -> None:
        super().__init__(f"the bundle lacks {path}")
        self.path = path


class BundleFileUnlisted(BundleError):
    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is not listed in the bundle's SHA256SUMS")
        self.path = path


class BundleHashMismatch(BundleError):
    def __init__(self, path: Path, expected: str, found: str) -> None:
        super().__init__(f"{path}: expected SHA-256 {expected}, found {found}")
        self.path = path
        self.expected = expected
        self.found = found


class BundleMetadataInvalid(BundleError):
    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class BundleNetworkMismatch(BundleError):
    """The metadata and the network disagree about ``what``."""

    def __init__(self, path: Path, what: str, expected: object, found: object) -> None:
        super().__init__(f"{path}: expected {what} {expected}, as the metadata say, found {found}")
        self.path = path
        self.what = what
        self.expected = expected
        self.found = found


class BundleMetricsMismatch(BundleError):
    """The figures were measured with another file than the bundle's ``name``."""

    def __init__(self, path: Path, name: str, expected: str | None, found: str | None) -> None:
        super().__init__(f"{path}: expected figures measured with {name} {expected}, found {found}")
        self.path = path
        self.name = name
        self.expected = expected
        self.found = found


class BundleCardMismatch(BundleError):
    """The card is not the one that metadata and metrics give; ``line`` counts from 1."""

    def __init__(self, path: Path, line: int, expected: str, found: str) -> None:
        super().__init__(f"{path}, line {line}: expected {expected!r}, as metadata and metrics give, found {found!r}")
        self.path = path
        self.line = line
        self.expected = expected
        self.found = found


class UnknownPreprocessing(BundleError):
    def __init__(self, id_: str, known: Iterable[str]) -> None:
        self.id = id_
        self.known = tuple(known)
        super().__init__(f"expected one of the preprocessings {', '.join(self.known)}, found {id_!r}")


class TooFewMembers(BundleError):
    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        super().__init__(f"an ensemble needs two or more different members, found {', '.join(self.names) or 'none'}")


class EnsembleMemberMissing(BundleError):
    def __init__(self, ensemble: str, name: str, sha256: str) -> None:
        super().__init__(f"the ensemble {ensemble} needs {name} with SHA-256 {sha256}, which is not installed")
        self.ensemble = ensemble
        self.name = name
        self.sha256 = sha256


class EnsembleMemberUnfit(BundleError):
    def __init__(self, ensemble: str, name: str, what: str, expected: object, found: object) -> None:
        super().__init__(f"the ensemble {ensemble} needs members of the {what} {expected}, {name} has {found}")
        self.ensemble = ensemble
        self.name = name
        self.what = what
        self.expected = expected
        self.found = found


class EnsembleMemberSplits(BundleError):
    """A member learned from other ``splits`` than its place needs."""

    def __init__(self, ensemble: str, name: str, expected: Iterable[str], splits: Iterable[str]) -> None:
        self.ensemble = ensemble
        self.name = name
        self.splits = tuple(splits)
        super().__init__(
            f"expected members of {ensemble} that learned from {' and '.join(expected)}, "
            f"found that {name} learned from {' and '.join(self.splits)}"
        )
