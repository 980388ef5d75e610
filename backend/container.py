"""The services and adapters of one application, as the API and the commands receive them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backend.explorer import transaction_url
from backend.ports import Chain, Classifier, DiagnosisSigner, ImageInspector, ObjectStore
from backend.services.account_keys import AccountKeyService
from backend.services.accounts import AccountService
from backend.services.analysis import AnalysisService
from backend.services.attestation import AttestationService
from backend.services.classification import ClassificationService
from backend.services.course import CourseService
from backend.services.dicomweb import DicomWebService
from backend.services.event_index import EventIndex
from backend.services.evidence import EvidenceService
from backend.services.exports import ExportService
from backend.services.intake import IntakeService
from backend.services.kinds import KindService
from backend.services.ledger import LedgerService
from backend.services.lineage import LineageService
from backend.services.models import ModelService
from backend.services.outline import OutlineService
from backend.services.passkeys import PasskeyService
from backend.services.people import PeopleService
from backend.services.readiness import ReadinessService
from backend.services.received import ReceivedService
from backend.services.received_studies import ReceivedStudyService
from backend.services.records import RecordService
from backend.services.registration import RegistrationService
from backend.services.reviews import ReviewService
from backend.services.scrub import ScrubService
from backend.services.second_factor import SecondFactor
from backend.services.sign_in import SignInService
from backend.services.similarity import SimilarityService
from backend.services.slides import SlideService
from backend.services.studies import StudyService
from backend.services.transactions import TransactionService
from backend.services.verification import VerificationService
from backend.services.wallets import WalletService
from backend.settings import Settings

if TYPE_CHECKING:
    from ml.guidance.next_steps import NextStep


@dataclass(frozen=True, slots=True)
class ChainProfile:
    """The chain's name, currency, explorer and public node, for wallets and for links."""

    name: str
    currency_name: str
    currency_symbol: str
    currency_decimals: int
    explorer_url: str | None
    wallet_rpc_url: str | None
    development: bool

    def transaction_url(self, hash_: str) -> str | None:
        return transaction_url(self.explorer_url, hash_)


@dataclass(frozen=True, slots=True)
class AccountServices:
    """The services of a server on which people sign in."""

    registration: RegistrationService
    sign_in: SignInService
    accounts: AccountService
    second_factor: SecondFactor
    passkeys: PasskeyService
    wallets: WalletService
    keys: AccountKeyService
    people: PeopleService


@dataclass(frozen=True, slots=True)
class Container:
    """``accounts`` is None on a server without accounts. ``close`` closes the database."""

    settings: Settings
    profile: ChainProfile
    chain: Chain
    store: ObjectStore
    inspector: ImageInspector
    classifier: Classifier
    signer: DiagnosisSigner
    next_steps: Callable[[str, str], Sequence[NextStep]]
    results: Callable[[], Mapping[str, Any]]
    index: EventIndex
    intake: IntakeService
    slides: SlideService
    classification: ClassificationService
    analysis: AnalysisService
    outline: OutlineService
    attestation: AttestationService
    records: RecordService
    ledger: LedgerService
    transactions: TransactionService
    verification: VerificationService
    evidence: EvidenceService
    exports: ExportService
    models: ModelService
    lineage: LineageService
    reviews: ReviewService
    readiness: ReadinessService
    scrub: ScrubService
    studies: StudyService
    kinds: KindService
    similarity: SimilarityService
    course: CourseService
    received: ReceivedService
    received_studies: ReceivedStudyService
    dicomweb: DicomWebService
    accounts: AccountServices | None
    close: Callable[[], None]
