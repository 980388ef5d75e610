"""How an ensemble combines its members: ``ensemble.json``, typed and checked."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ml.bundle.metadata import Metadata
from ml.errors import BundleError


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an ensemble: the ``sha256`` of its bundle, and its ``name`` for people."""

    name: str
    sha256: str


class Method(Protocol):
    """Combines the members' calibrated log-probabilities (M, N, K) to logits (N, K) of the ensemble."""

    def combine(self, log_probabilities: np.ndarray) -> np.ndarray: ...

    def shares(self) -> np.ndarray:
        """Each member's share in the answer, (M,), summing to 1."""

    def parameters(self) -> dict[str, Any]:
        """As JSON."""


@dataclass(frozen=True, slots=True)
class SoftVoting:
    """The weighted mean of the members' probabilities; ``weights`` (M,), at least 0, sum to 1."""

    weights: np.ndarray

    def combine(self, log_probabilities: np.ndarray) -> np.ndarray:
        mean = np.tensordot(self.weights, np.exp(log_probabilities), axes=1)
        logits: np.ndarray = np.log(np.maximum(mean, 1e-12))
        return logits

    def shares(self) -> np.ndarray:
        return self.weights

    def parameters(self) -> dict[str, Any]:
        return {"weights": self.weights.tolist()}


@dataclass(frozen=True, slots=True)
class Stacking:
    """Multinomial logistic regression (Wolpert 1992): ``coefficients`` (M, K, K) from member and its class to class of
    the ensemble; ``intercept`` (K,)."""

    coefficients: np.ndarray
    intercept: np.ndarray

    def combine(self, log_probabilities: np.ndarray) -> np.ndarray:
        logits: np.ndarray = np.einsum("mnk,mkj->nj", log_probabilities, self.coefficients) + self.intercept
        return logits

    def shares(self) -> np.ndarray:
        sizes = np.abs(self.coefficients).sum(axis=(1, 2))
        shares: np.ndarray = sizes / max(float(sizes.sum()), 1e-12)
        return shares

    def parameters(self) -> dict[str, Any]:
        return {"coefficients": self.coefficients.tolist(), "intercept": self.intercept.tolist()}


METHODS = {"soft-voting": SoftVoting, "stacking": Stacking}


@dataclass(frozen=True, slots=True)
class Combination:
    members: tuple[Member, ...]
    method: Method

    def to_json(self) -> bytes:
        name = next(name for name, kind in METHODS.items() if isinstance(self.method, kind))
        members = [asdict(member) for member in self.members]
        return (json.dumps({"method": name, "members": members} | self.method.parameters(), indent=2) + "\n").encode()

    @classmethod
    def from_json(cls, data: bytes, classes: int, path: Path) -> Combination:
        """Raises BundleError where a field is wrong, or the numbers do not fit members and ``classes``."""
        try:
            values = json.loads(data)
            members = tuple(Member(**entry) for entry in values.pop("members"))
            kind = METHODS[values.pop("method")]
            method = kind(**{name: np.array(value, np.float64) for name, value in values.items()})
            given = np.log(np.full((len(members), 1, classes), 1 / classes))
            found = (method.shares().shape, method.combine(given).shape)
        except (ValueError, TypeError, KeyError, AttributeError) as exc:
            raise BundleError(f"{path}: expected members and a method of {', '.join(METHODS)}: {exc!r}") from exc
        expected = ((len(members),), (1, classes))
        if found != expected or len(members) < 2 or not np.isfinite(method.combine(given)).all():
            raise BundleError(
                f"{path}: expected finite numbers for two or more members and {classes} classes, found shapes {found}"
            )
        return cls(members, method)


def check_combination(metadata: Metadata, model: bytes, path: Path) -> None:
    """``metadata`` fit the ``ensemble.json`` in ``model``. Raises BundleError."""
    Combination.from_json(model, len(metadata.classes), path)
