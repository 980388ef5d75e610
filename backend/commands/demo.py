"""``scanproof demo``: the main job on the embedded parts, with a development account in place of MetaMask."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple

from backend import settings as configuration
from backend.commands.arguments import file_or_folder, read_image
from backend.commands.console import Console
from backend.commands.model_arguments import classifying_model
from backend.commands.slides import clean_slide, is_slide
from backend.commands.study import Counter, Slice, in_words, is_study, slices_of, values_of
from backend.commands.verify import report
from backend.domain import (
    DiagnosisRecordedEvent,
    DiagnosisReviewedEvent,
    ImageRegisteredEvent,
    ModelFacts,
    RecordEvent,
    StudyFile,
)
from backend.errors import ChainUnavailable, after_sending
from backend.services.screening import Answers
from backend.settings import Settings

if TYPE_CHECKING:
    from backend.adapters.chain.dev.wallet import DevelopmentWallet
    from backend.container import Container
    from backend.services.intake import Intake
    from backend.services.unfinished_studies import LeftOut
    from backend.services.verification import Verification

HELP = (
    "Do the whole main job without a browser\n\n"
    "Pin, fetch, classify, sign, record and verify an image, or a folder of them as one study, on embedded parts."
)
EXAMPLE = "scanproof demo scan.png --json"
_CLIENT = "demo"
_STEP_S = 2.0
"""How long a step of a study works between two lines of progress."""
_FUNCTIONS = {
    ImageRegisteredEvent: "registerImage",
    DiagnosisRecordedEvent: "recordDiagnosis",
    DiagnosisReviewedEvent: "reviewDiagnosis",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "image",
        metavar="IMAGE",
        nargs="?",
        type=file_or_folder,
        help="the image or whole slide; or one study: a folder, a ZIP, or DICOM of several frames (default: a drawing)",
    )
    parser.add_argument(
        "--model", metavar="NAME", type=classifying_model, help="the model (default: the one for this kind of image)"
    )


def run(options: argparse.Namespace, console: Console) -> int:
    if options.image and is_study(options.image):
        slices, left_out = slices_of(options.image, console, kept=True)
        with _embedded(console) as (steps, container, wallet):
            return _demonstrate_study(slices, left_out, options.model, container, wallet, steps, console)

    from backend.adapters.images.inspector import PillowInspector

    if options.image and is_slide(options.image):
        with (
            clean_slide(options.image, _embedded_settings(console)) as (slide, _),
            _embedded(console) as (steps, container, wallet),
        ):
            intake = container.slides.accept(slide.path, client=_CLIENT)
            return _demonstrate(intake, options.model, container, wallet, steps, console)

    content = read_image(options.image) if options.image else _phantom()
    PillowInspector().accept(content)  # before the chain is started, which takes seconds

    if not options.image:
        console.message("The image is a drawing: a model's output for it means nothing.")
    with _embedded(console) as (steps, container, wallet):
        intake = container.intake.accept(content, client=_CLIENT, answers=Answers(text="keep"))
        return _demonstrate(intake, options.model, container, wallet, steps, console)


@contextmanager
def _embedded(console: Console) -> Iterator[tuple[_Steps, Container, DevelopmentWallet]]:
    """The wired parts on an embedded chain, with the wallet of a development account."""
    from backend.adapters.chain.dev import embedded
    from backend.adapters.chain.dev.wallet import DevelopmentWallet
    from backend.adapters.chain.development_accounts import USER
    from backend.adapters.chain.signer import KeyFileSigner
    from backend.wiring import complete_registration, wire

    settings = _embedded_settings(console)
    steps = _Steps(console)
    signer = KeyFileSigner(settings.classifier_key_file, chain_id=settings.chain_id)
    with (
        embedded.joined(settings, classifier=signer.address, prepare=complete_registration) as chain,
        closing(wire(chain.settings)) as container,
    ):
        steps.done("chain", f"{settings.chain}, contract {container.chain.contract}")
        yield steps, container, DevelopmentWallet(chain.settings.rpc_url, container.chain.contract, USER)


def _demonstrate(
    intake: Intake, model: str | None, parts: Container, wallet: DevelopmentWallet, steps: _Steps, console: Console
) -> int:
    cid = intake.facts.cid
    steps.done("pin", f"{cid} ({'new' if intake.created else 'known'})")
    result, _ = parts.classification.classify(cid, model)
    steps.done("classify", f"{result.label}, confidence {result.confidence:.1%}")
    outcome = _record_and_verify(cid, result.manifest_hash, result.model, parts, wallet, steps)
    verification = outcome.verification
    console.result(
        {
            "cid": cid,
            "imageId": verification.image_id,
            "uploader": wallet.address,
            "label": result.label,
            "confidence": result.confidence,
            "probabilities": result.probabilities,
            "abstained": result.abstained,
            "status": outcome.status,
            "model": {"name": result.model.name, "version": result.model.version, "sha256": result.model.sha256},
            "transactions": outcome.transactions,
            "checks": [asdict(check) for check in verification.checks],
            "verified": verification.passed,
        },
        report(verification),
    )
    return 0 if verification.passed else 1


def _demonstrate_study(
    slices: Sequence[Slice],
    left_out: Sequence[LeftOut],
    model: str | None,
    parts: Container,
    wallet: DevelopmentWallet,
    steps: _Steps,
    console: Console,
) -> int:
    counter = Counter(console)
    files = [StudyFile(each.name, each.facts.sha256, each.facts.size) for each in slices]
    progress, _ = parts.studies.begin(files, model)
    study = progress.study_id
    missing = set(progress.missing)
    for each in slices:
        if each.facts.sha256 in missing:
            progress = parts.studies.add(study, each.read())
    while progress.documents is None:
        progress = parts.studies.classify(study, seconds=_STEP_S)
        counter.show(f"classified {progress.classified} of {progress.slices}")
    documents, names = progress.documents, list(progress.names)
    manifest = documents.manifest
    steps.done("classify", f"{manifest.count} slices: {manifest.summary.label}")
    while not progress.signable:
        progress = parts.studies.pin(study, _CLIENT, seconds=_STEP_S, answers=Answers(text="keep"))
        counter.show(f"pinned {progress.pinned} of {progress.objects}")
    steps.done("pin", f"{manifest.cid} and {manifest.count} slices")
    hash_ = manifest.hash.removeprefix("0x")
    outcome = _record_and_verify(manifest.cid, hash_, manifest.model, parts, wallet, steps)
    verification = outcome.verification
    console.result(
        {
            "imageId": verification.image_id,
            "uploader": wallet.address,
            **values_of(documents, names, left_out),
            "status": outcome.status,
            "transactions": outcome.transactions,
            "checks": [asdict(check) for check in verification.checks],
            "verified": verification.passed,
        },
        f"{in_words(documents, names, left_out)}\n\n{report(verification)}",
    )
    return 0 if verification.passed else 1


class _Outcome(NamedTuple):
    """``status`` is that of the newest diagnosis by the model."""

    status: str
    transactions: list[dict[str, Any]]
    verification: Verification


def _record_and_verify(
    cid: str, manifest_hash: str, model: ModelFacts, parts: Container, wallet: DevelopmentWallet, steps: _Steps
) -> _Outcome:
    image_id = parts.chain.image_id(wallet.address, cid)
    model_id = "0x" + model.sha256
    sent = _record(image_id, cid, manifest_hash, model_id, parts, wallet)
    steps.done("record", "now, with the classifier's signature" if sent else "found: it was recorded before")
    with after_sending(sent):
        events = parts.chain.events_of_image(image_id)
        transactions = _transactions(parts, events)
        verification = parts.verification.verify(image_id)
    steps.done("verify", f"{sum(check.passed for check in verification.checks)} of {len(verification.checks)} passed")
    made = [e.diagnosis_id for e in events if isinstance(e, DiagnosisRecordedEvent) and e.model_id == model_id]
    status = {state.diagnosis_id: state.status for state in verification.diagnoses}[made[-1]]
    return _Outcome(status, transactions, verification)


def _record(
    image_id: str, cid: str, manifest_hash: str, model_id: str, parts: Container, wallet: DevelopmentWallet
) -> list[str]:
    """Record the diagnosis, unless this account has one of this model for this image already: what was sent."""
    events = parts.chain.events_of_image(image_id)
    if any(isinstance(event, DiagnosisRecordedEvent) and event.model_id == model_id for event in events):
        return []
    signed, _ = parts.attestation.attest(cid, manifest_hash, wallet.address)
    if events:
        return [wallet.record_diagnosis(signed).hash]
    return [wallet.register_with_diagnosis(cid, signed).hash]


def _transactions(parts: Container, events: Sequence[RecordEvent]) -> list[dict[str, Any]]:
    """The transactions of a record, by the function that each called."""
    transactions: list[dict[str, Any]] = []
    for hash_ in dict.fromkeys(event.transaction_hash for event in events):
        kinds = [type(event) for event in events if event.transaction_hash == hash_]
        name = "registerWithDiagnosis" if len(kinds) > 1 else _FUNCTIONS[kinds[0]]
        status = parts.chain.transaction(hash_, confirmations=1)
        if status.block is None:
            raise ChainUnavailable(f"the node does not show the transaction {hash_} any more: repeat the command")
        transactions.append({"name": name, "hash": hash_, "gasUsed": status.gas_used, "block": status.block.number})
    return transactions


def _phantom() -> bytes:
    from ml.datasets.phantom import phantom_png

    return phantom_png()


def _embedded_settings(console: Console) -> Settings:
    """The settings, or the defaults in a directory of their own where the settings name parts that cost money."""
    settings = configuration.load()
    if settings.embedded_chain and settings.storage == "embedded":
        return settings
    folder = settings.var / "demo"
    console.message(f"The settings name an external chain or store: the demo runs on embedded ones in {folder}.")
    return configuration.load({"SCANPROOF_VAR": str(folder)}, env_file=None)


class _Steps:
    """Reports each step with the seconds that it took."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started = time.perf_counter()

    def done(self, name: str, what: str) -> None:
        now = time.perf_counter()
        self._console.message(f"{name:<9} {now - self._started:5.2f} s  {what}")
        self._started = now
