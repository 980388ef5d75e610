"""Training runs and searches that cannot start or do not end well."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ml.errors.root import MlError


class TrainingError(MlError):
    """A training run cannot start, or none of a search ends."""


class UnknownModel(TrainingError):
    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name
        self.known = tuple(known)
        super().__init__(f"expected one of the models {', '.join(self.known)}, found {name!r}")


class OutputNotEmpty(TrainingError):
    def __init__(self, path: Path) -> None:
        super().__init__(f"expected a new or empty folder, found files in {path}")
        self.path = path


class ChoiceUnsupported(TrainingError):
    def __init__(self, model: str, choice: str, supported: Iterable[str]) -> None:
        self.model = model
        self.choice = choice
        self.supported = tuple(sorted(supported))
        super().__init__(
            f"{model} has a training of its own, which leaves only {', '.join(self.supported)} to choose, "
            f"found {choice}"
        )


class UnknownRecipe(TrainingError):
    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name
        self.known = tuple(known)
        super().__init__(
            f"expected one of the recipes {', '.join(self.known)}, or a result file of scanproof search, found {name!r}"
        )


class InvalidRecipe(TrainingError):
    def __init__(self, field: str, value: object, expected: str) -> None:
        super().__init__(f"the recipe's {field} must be {expected}, found {value!r}")
        self.field = field
        self.value = value


class RunMismatch(TrainingError):
    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"{folder} holds an unfinished run of another network, recipe or data: name another folder, or remove it"
        )
        self.folder = folder


class BackboneNotFrozen(TrainingError):
    def __init__(self, network: str, layer: str) -> None:
        super().__init__(f"expected the backbone of {network} to be frozen, found that layer {layer} is trained")
        self.network = network
        self.layer = layer


class LearnedFromVal(TrainingError):
    def __init__(self, folder: Path) -> None:
        super().__init__(f"expected a bundle that did not learn from val, which is to decide, found {folder}")
        self.folder = folder


class RefitUnfit(TrainingError):
    """The version whose temperature and limits a refit was to have cannot give them."""

    def __init__(self, folder: Path, what: str, expected: object, found: object) -> None:
        super().__init__(f"{folder}: expected a bundle of the {what} {expected}, as what is trained, found {found}")
        self.folder = folder
        self.what = what
        self.expected = expected
        self.found = found


class SearchFailed(TrainingError):
    def __init__(self, reason: str, trials: int) -> None:
        super().__init__(f"expected at least one of {trials} trials to end, all failed, such as by: {reason}")
        self.reason = reason
        self.trials = trials
