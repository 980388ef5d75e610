"""``scanproof registry``: which models the chain accepts, and changing that."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from backend.commands.arguments import WrongUse, existing_file, positive
from backend.commands.chosen_chain import add_chain_arguments, chosen_settings, opened_chain
from backend.commands.console import Console, columns
from backend.commands.model_arguments import installed_model_or_hash, is_model_id
from backend.domain import SentTransaction
from backend.errors import InvalidInput, after_sending

if TYPE_CHECKING:
    from backend.services.model_registration import InstalledModel, ModelRegistrationService

HELP = "Show, register, anchor or retire models on the chain\n\nAll actions but status need MODEL_ADMIN_ROLE."
EXAMPLE = "scanproof registry register brain-mri"
_ACTIONS = {
    "status": "show the state of each installed model",
    "register": "let diagnoses by MODEL, or by all installed models, be recorded",
    "anchor": "record where the training of MODEL, or of all installed models, came from",
    "retire": "refuse further diagnoses by MODEL, for good",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    help_ = "; ".join(f"{action}: {what}" for action, what in _ACTIONS.items())
    parser.add_argument("action", metavar="ACTION", choices=_ACTIONS, help=help_)
    parser.add_argument(
        "model",
        metavar="MODEL",
        nargs="?",
        type=installed_model_or_hash,
        help="name of an installed model, or the SHA-256 of any model",
    )
    parser.add_argument(
        "--parent",
        metavar="MODEL",
        type=installed_model_or_hash,
        help="anchor: the model, anchored before, whose weights the training started from",
    )
    parser.add_argument(
        "--participants", metavar="N", type=positive, help="anchor: how many trained it together (default: 1)"
    )
    parser.add_argument(
        "--training",
        metavar="FILE",
        type=existing_file,
        help="anchor: the training record of a model that need not be installed, a JSON object with its figures as "
        "`metrics`; MODEL is then its SHA-256",
    )
    add_chain_arguments(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    if options.action == "retire" and options.model is None:
        raise WrongUse("retire needs the MODEL: a retired model can never be used again")
    if (options.parent or options.participants or options.training) and not (
        options.action == "anchor" and options.model
    ):
        raise WrongUse("--parent, --participants and --training are for `anchor MODEL`")
    if options.training and not is_model_id(options.model):
        raise WrongUse("--training is for a MODEL that is named by its SHA-256")
    if options.action in ("register", "anchor") and options.model and not options.training:
        _refuse_uninstalled(options.model)
    record = _training_record(options.training) if options.training else None
    settings = chosen_settings(options)

    from backend.wiring import wire_registration

    with opened_chain(settings, console) as opened:
        service = wire_registration(opened)
        with console.waiting("sending transactions and waiting for their blocks"), after_sending(service.sent):
            sent = _act(service, options, record)
            models = service.known()
    values = {
        "transactions": [{"name": each.name, "hash": each.hash, "gasUsed": each.gas_used} for each in sent],
        "models": [
            {
                "name": model.name,
                "modelId": model.model_id,
                "status": model.state.status,
                "trainingId": model.state.training_id,
            }
            for model in models
        ],
    }
    lines = [f"{each.name} in transaction {each.hash}" for each in sent]
    if options.action != "status" and not sent:
        lines = ["Nothing was to be done."]
    console.result(values, "\n\n".join(["\n".join(lines), *map(_described, models)]).lstrip())
    return 0


def _refuse_uninstalled(name_or_id: str) -> None:
    """Raises WrongUse for the SHA-256 of a model whose documents are not here."""
    from ml.inference.registry import Registry

    installed = Registry().identities()
    if name_or_id not in installed and name_or_id.lower().removeprefix("0x") not in installed.values():
        names = ", ".join(installed)
        raise WrongUse(f"expected an installed model ({names}) or its SHA-256, found {name_or_id[:80]!r}")


def _training_record(file: Path) -> bytes:
    """The content of ``file``. Raises WrongUse where it is no training record."""
    from backend.services.model_registration import canonical_record
    from backend.services.model_verification import MAX_DOCUMENT_BYTES

    with file.open("rb") as handle:
        record = handle.read(MAX_DOCUMENT_BYTES + 1)
    try:
        canonical_record(record)
    except InvalidInput as error:
        raise WrongUse(f"--training: {error}, found {file}") from error
    return record


def _act(service: ModelRegistrationService, options: argparse.Namespace, record: bytes | None) -> list[SentTransaction]:
    """The transactions that were sent; ``record`` is that of ``--training``."""
    action, model = options.action, options.model
    if action == "status":
        return []
    if action == "retire":
        done = service.retire(_model_id(service, model))
        return [done] if done else []
    if action == "anchor":
        return _anchor(service, options, record)
    wanted = [service.find(model)] if model else service.installed()
    return service.register_models([each for each in wanted if model or not each.retired])


def _anchor(
    service: ModelRegistrationService, options: argparse.Namespace, record: bytes | None
) -> list[SentTransaction]:
    parent_model_id = _model_id(service, options.parent) if options.parent else None
    participants = options.participants or 1
    if record is not None:
        done = service.anchor_record(
            _model_id(service, options.model), record, parent_model_id=parent_model_id, participants=participants
        )
        return [done] if done else []
    wanted = [service.find(options.model)] if options.model else service.installed()
    return service.anchor_trainings(wanted, parent_model_id=parent_model_id, participants=participants)


def _model_id(service: ModelRegistrationService, name_or_id: str) -> str:
    """Of any model by its id, of an installed one by its name."""
    if is_model_id(name_or_id):
        return "0x" + name_or_id.lower().removeprefix("0x")
    return service.find(name_or_id).model_id


def _described(model: InstalledModel) -> str:
    training = model.state.training_id or "not anchored"
    rows = [("  status", model.state.status), ("  sha256", model.model_id[2:]), ("  training", training)]
    return f"{model.name}\n{columns(rows)}"
