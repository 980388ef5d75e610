"""The wired parts, as the API and the commands receive them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from backend.ports import Chain, Classifier, DiagnosisSigner, Guide, ImageInspector, ObjectStore, Results
from backend.services.analysis import AnalysisService
from backend.services.attestation import AttestationService
from backend.services.classification import ClassificationService
from backend.services.event_index import EventIndex
from backend.services.intake import IntakeService
from backend.services.models import ModelService
from backend.services.outline import OutlineService
from backend.services.readiness import ReadinessService
from backend.services.records import RecordService
from backend.services.transactions import TransactionService
from backend.services.verification import VerificationService
from backend.settings import Settings


@dataclass(frozen=True, slots=True)
class ChainProfile:
    """What a wallet and a reader need to know of the chain. ``explorer_url`` takes ``/tx/<hash>``."""

    name: str
    currency_name: str
    currency_symbol: str
    currency_decimals: int
    explorer_url: str | None
    wallet_rpc_url: str | None
    development: bool

    def transaction_url(self, hash_: str) -> str | None:
        return f"{self.explorer_url}/tx/{hash_}" if self.explorer_url else None


@dataclass(frozen=True, slots=True)
class Container:
    """``close`` releases what the parts hold open."""

    settings: Settings
    profile: ChainProfile
    chain: Chain
    store: ObjectStore
    inspector: ImageInspector
    classifier: Classifier
    signer: DiagnosisSigner
    guide: Guide
    results: Results
    index: EventIndex
    intake: IntakeService
    classification: ClassificationService
    analysis: AnalysisService
    outline: OutlineService
    attestation: AttestationService
    records: RecordService
    transactions: TransactionService
    verification: VerificationService
    models: ModelService
    readiness: ReadinessService
    close: Callable[[], None]
