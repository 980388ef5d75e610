"""Chooses the concrete adapters for the settings. No other module names them, except commands without a server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

from backend.adapters.accounts.mail import QueuedMailer, SmtpServer, write_to_log
from backend.adapters.accounts.one_time_codes import TotpCodes
from backend.adapters.accounts.passwords import Argon2Hasher, ZxcvbnJudge
from backend.adapters.bulkhead import Bulkhead, guarded
from backend.adapters.chain import eip712
from backend.adapters.chain.dev import deployment, embedded
from backend.adapters.chain.development_accounts import ADMIN, CLINICIAN, DevelopmentAccount
from backend.adapters.chain.ids import review_id
from backend.adapters.chain.known_chains import describe
from backend.adapters.chain.proofs.evidence_chain import EvidenceChain
from backend.adapters.chain.proofs.reader import ProofReader
from backend.adapters.chain.signer import KeyFileSigner
from backend.adapters.chain.wallet import Wallet
from backend.adapters.chain.wallet_signatures import ChainWalletSignatures
from backend.adapters.chain.web3_chain import Web3Chain
from backend.adapters.database.account_keys import SqlAccountKeys
from backend.adapters.database.accounts import SqlAccounts
from backend.adapters.database.audit import SqlAudit
from backend.adapters.database.classifications import SqlClassifications
from backend.adapters.database.credentials import SqlCredentials
from backend.adapters.database.engine import Database, open_database
from backend.adapters.database.engine import exists as database_exists
from backend.adapters.database.events import SqlEventStore
from backend.adapters.database.kinds import SqlKinds
from backend.adapters.database.received import SqlReceived
from backend.adapters.database.statements import SqlStatements
from backend.adapters.database.studies import SqlStudies
from backend.adapters.database.uploads import SqlImages
from backend.adapters.dicom.cleaner import SenderCleaner
from backend.adapters.dicom.reference import PooledDicomReader
from backend.adapters.dicom.sender import KEY_FILE
from backend.adapters.exports import writers
from backend.adapters.images.decoded_images import DecodedImages
from backend.adapters.images.inspector import PillowInspector
from backend.adapters.images.text_finder import OcrTextFinder
from backend.adapters.ipfs.block_store import EmbeddedStore
from backend.adapters.ipfs.gateway import Gateway, GatewayReader
from backend.adapters.ipfs.pinata import PinataStore
from backend.adapters.ipfs.readers import LocalReader
from backend.adapters.ipfs.unixfs import cid_of
from backend.adapters.models.bundled import BundledModels, ResultFiles, analyse
from backend.adapters.received_folder import ReceivedFolder
from backend.adapters.slides.copies import SlideFolder
from backend.adapters.slides.pooled import PooledSlides
from backend.adapters.statement_files import StatementFolder
from backend.adapters.study_folders import StudyFolders
from backend.container import AccountServices, ChainProfile, Container
from backend.domain import MAX_IMAGE_BYTES
from backend.errors import (
    ChainUnavailable,
    ConfigurationError,
    DatabaseUnavailable,
    ImageTooLarge,
    NotFound,
    StorageError,
    StorageUnavailable,
)
from backend.ports import (
    Chain,
    Classifier,
    ImageInspector,
    ModelAdmin,
    ObjectReader,
    ObjectStore,
    RegistryHistory,
    Reviewer,
)
from backend.services.account_keys import AccountKeyService
from backend.services.account_log import AccountLog, AccountParts
from backend.services.accounts import AccountService
from backend.services.analysis import AnalysisService
from backend.services.attestation import AttestationService
from backend.services.classification import ClassificationService
from backend.services.course import CourseService
from backend.services.dicom_index import DicomIndex
from backend.services.dicomweb import DicomWebService
from backend.services.event_index import EventIndex
from backend.services.evidence import EvidenceService
from backend.services.exports import ExportService, Registry
from backend.services.index_check import IndexCheck
from backend.services.indexed_history import IndexedHistory
from backend.services.intake import IntakeService
from backend.services.kinds import KindService
from backend.services.ledger import LedgerService
from backend.services.lineage import LineageService
from backend.services.model_registration import ModelRegistrationService
from backend.services.models import ModelService
from backend.services.outline import OutlineService
from backend.services.passkeys import PasskeyService
from backend.services.people import PeopleService
from backend.services.readiness import ReadinessService
from backend.services.received import ReceivedService
from backend.services.received_studies import ReceivedStudyService
from backend.services.records import RecordService
from backend.services.registration import RegistrationService
from backend.services.reviews import ReviewService, ReviewSubmission, StatementArchive
from backend.services.screening import ScreeningService
from backend.services.scrub import ORPHAN_AGE_S, Copy, ScrubService
from backend.services.second_factor import SecondFactor
from backend.services.sign_in import SignInService
from backend.services.similarity import SimilarityService
from backend.services.slide_classification import SlideClassification
from backend.services.slides import SlideFiles, SlideService
from backend.services.studies import StudyService
from backend.services.study_areas import StudyAreas
from backend.services.study_classification import StudyClassification
from backend.services.study_verification import SliceScope
from backend.services.transactions import TransactionService
from backend.services.verification import ALL_SLICES, VerificationService
from backend.services.wallets import WalletService
from backend.settings import Secret, Settings
from ml.guidance.next_steps import next_steps

_NODE_SLOTS = 6
_WALLET_SLOTS = 2
_PINATA_SLOTS = 4
"""With the downloads fewer than the server's threads, so that other requests go on while both hang."""
_SLICES_CHECKED = 24
"""The most slices of a study whose inference the server repeats for a verification."""
_COMPUTED = frozenset({"image_id"})
"""Methods of the chain that ask no node."""
_SIGNATURES_COMPUTED = frozenset({"is_checksummed", "has_public_key"})


def wire(settings: Settings, *, gateways: Sequence[str] = (), orphan_age_s: float = ORPHAN_AGE_S) -> Container:
    """The services with their adapters, as the settings describe them. The chain need not be reachable yet.

    A scrub may fetch damaged objects from ``gateways``, and keeps blocks that belong to nothing for ``orphan_age_s``.
    Raises ConfigurationError; StorageUnavailable when the embedded store's folder cannot be created.
    """
    node = Bulkhead("the node", slots=_NODE_SLOTS, failure=ChainUnavailable)
    chain = guarded(wire_chain(settings), node, local=_COMPUTED)
    store = wire_store(settings)
    if settings.pinata:
        bulkhead = Bulkhead("Pinata", slots=_PINATA_SLOTS, failure=StorageUnavailable)
        store = guarded(store, bulkhead)
    local = LocalReader(store)
    signer = KeyFileSigner(settings.classifier_key_file, chain_id=settings.chain_id)
    decoded = DecodedImages()
    classifier = BundledModels(images=decoded)
    inspector = PillowInspector()
    database = open_database(settings.database_url)
    images, classifications, studies = SqlImages(database), SqlClassifications(database), SqlStudies(database)
    kinds, events = SqlKinds(database), SqlEventStore(database)
    index = EventIndex(chain, events)
    history = IndexedHistory(chain, index)
    models = ModelService(classifier)
    screening = ScreeningService(OcrTextFinder(), classifier, public=store.public)
    slides, copies = PooledSlides(max_bytes=settings.slide_bytes), wire_copies(settings, store)
    intake = IntakeService(
        images=images,
        store=store,
        inspector=inspector,
        screening=screening,
        kinds=kinds,
        slides=slides,
        copies=copies,
        bytes_per_client=settings.bytes_per_address,
    )
    scrub = ScrubService(
        rows=SqlAudit(database),
        blocks=store if isinstance(store, EmbeddedStore) else None,
        store=store,
        chain=chain,
        events=events,
        cid_of=cid_of,
        derive=intake.derive,
        copies={
            "the statements of this machine": StatementFolder(settings.var / "reviews").find,
            "the installed models": classifier.document,
            **{url: _from_gateway(url) for url in gateways},
        },
        orphan_age_s=orphan_age_s,
        most_bytes=settings.slide_bytes,
    )
    fields = SlideClassification(classifier, slides)
    slide_service = SlideService(intake=intake, store=store, inspector=slides, reader=slides, copies=copies)
    classification = ClassificationService(
        classifications=classifications,
        intake=intake,
        store=store,
        classifier=classifier,
        kinds=kinds,
        slides=slide_service,
        fields=fields,
    )
    outlines = OutlineService(
        classifications=classifications,
        classification=classification,
        intake=intake,
        classifier=classifier,
        outliner=classifier,
    )
    study_service = StudyService(
        stage=StudyFolders(settings.var / "studies"),
        studies=studies,
        intake=intake,
        store=store,
        inspector=inspector,
        classifier=classifier,
        classification=StudyClassification(classifier, cid_of),
        screening=screening,
        kinds=kinds,
        stage_bytes=settings.study_bytes,
    )
    reviews = ReviewService(
        index=index,
        archive=StatementArchive(SqlStatements(database), store),
        models=models,
        studies=study_service,
    )
    attestation = AttestationService(
        classifications=classifications, studies=studies, chain=chain, signer=signer, index=index
    )
    kind_service = KindService(
        kinds=kinds,
        classifications=classifications,
        classifier=classifier,
        intake=intake,
        studies=study_service,
    )
    records = RecordService(index, models, chain, history)
    received = _received(settings, database, inspector)
    dicom = PooledDicomReader()

    def recorded(cid: str) -> bytes:
        return intake.content(cid)[1]

    profile = _profile(settings, chain)
    # Each slice is a request to a remote store, and anybody can ask for a verification.
    scope = SliceScope(fetched=_SLICES_CHECKED if settings.pinata else None, repeated=_SLICES_CHECKED)
    slide_files = SlideFiles(inspector=slides, copies=copies, fields=fields)
    verification = wire_verification(history, store, local, classifier, inspector, slide_files, scope=scope)
    return Container(
        settings=settings,
        profile=profile,
        chain=chain,
        store=store,
        inspector=inspector,
        classifier=classifier,
        signer=signer,
        next_steps=next_steps,
        results=ResultFiles().overview,
        index=index,
        intake=intake,
        slides=slide_service,
        classification=classification,
        analysis=AnalysisService(intake, partial(analyse, images=decoded)),
        outline=outlines,
        attestation=attestation,
        records=records,
        ledger=LedgerService(index),
        transactions=TransactionService(chain, confirmations=settings.confirmations),
        verification=verification,
        evidence=EvidenceService(
            chain=history,
            store=store,
            proofs=guarded(ProofReader(settings.rpc_url, contract=chain.contract), node),
            read=EvidenceChain,
            documents=local,
        ),
        exports=ExportService(
            verification=verification,
            store=store,
            documents=local,
            inspector=inspector,
            dicom=dicom,
            outliner=classifier,
            models=models,
            registry=wire_registry(settings, chain),
            write=writers.writer(writers.ExportKeys(lambda: signer, _export_keys(settings))),
        ),
        models=models,
        lineage=LineageService(chain=chain, index=index, store=store, models=models),
        reviews=reviews,
        readiness=ReadinessService(
            {
                "chain": attestation.check_clock,
                "storage": store.check,
                "database": database.check,
                "model": classifier.check,
            },
            damage=scrub.damage,
        ),
        scrub=scrub,
        studies=study_service,
        kinds=kind_service,
        similarity=SimilarityService(
            kinds=kinds, classifications=classifications, classifier=classifier, intake=intake, index=index
        ),
        course=CourseService(
            kinds=kinds,
            kind_service=kind_service,
            index=index,
            models=models,
            outlines=outlines,
            areas=StudyAreas(studies=study_service, outlines=outlines, intake=intake, dicom=dicom),
            known_studies=study_service.known,
            published=reviews.published,
        ),
        received=received,
        received_studies=ReceivedStudyService(
            queue=received,
            studies=study_service,
            intake=intake,
            images=images,
            recorded=lambda cid: bool(records.of_image(cid, limit=1).records),
        ),
        dicomweb=DicomWebService(
            rows=received.rows,
            files=received.files,
            index=DicomIndex(rows=received.rows, cleaner=received.cleaner, recorded=recorded),
            dicom=dicom,
            inspector=inspector,
            recorded=recorded,
        ),
        accounts=_accounts(settings, database) if settings.accounts else None,
        close=database.close,
    )


def wire_verification(
    history: RegistryHistory,
    store: ObjectReader,
    documents: ObjectReader,
    classifier: Classifier,
    inspector: ImageInspector,
    slides: SlideFiles,
    *,
    scope: SliceScope = ALL_SLICES,
) -> VerificationService:
    """Checks records of ``history``; of a study as much as ``scope`` says, by default every slice."""
    return VerificationService(
        chain=history,
        store=store,
        classifier=classifier,
        inspector=inspector,
        cid_of=cid_of,
        recover=eip712.recover,
        review_id=review_id,
        documents=documents,
        scope=scope,
        slides=slides,
    )


def _accounts(settings: Settings, database: Database) -> AccountServices:
    # Its packages take half a second to load, and most servers have no accounts.
    from backend.adapters.accounts.passkeys import WebAuthnVerifier

    rows = SqlAccounts(database)
    parts = AccountParts(
        rows=rows,
        hasher=Argon2Hasher(settings.password_memory_kib),
        judge=ZxcvbnJudge(),
        mailer=QueuedMailer(settings.mail_from, SmtpServer(settings.smtp_url) if settings.smtp_url else write_to_log),
        log=AccountLog(rows),
        page_url=settings.page_url,
    )
    # Slots of its own: whoever sends messages of wallets keeps no request from the registry.
    node = Bulkhead("the node", slots=_WALLET_SLOTS, failure=ChainUnavailable)
    credentials = SqlCredentials(database)
    second = SecondFactor(parts, credentials, TotpCodes(settings.var / "keys" / "accounts.key"))
    sign_in = SignInService(parts, second)
    return AccountServices(
        registration=RegistrationService(parts, sign_in),
        sign_in=sign_in,
        accounts=AccountService(parts, credentials, sign_in),
        second_factor=second,
        passkeys=PasskeyService(parts, rows=credentials, verifier=WebAuthnVerifier(), sign_in=sign_in),
        wallets=WalletService(
            parts,
            rows=credentials,
            signatures=guarded(ChainWalletSignatures(settings.rpc_url), node, local=_SIGNATURES_COMPUTED),
            sign_in=sign_in,
            chain_id=settings.chain_id,
        ),
        keys=AccountKeyService(parts, rows=SqlAccountKeys(database), credentials=credentials),
        people=PeopleService(parts),
    )


@contextmanager
def wire_accounts(settings: Settings) -> Iterator[AccountServices]:
    """Accounts for one command that needs no chain. Raises ConfigurationError."""
    with closing(open_database(settings.database_url)) as database:
        yield _accounts(settings, database)


@contextmanager
def wire_kinds(settings: Settings) -> Iterator[KindService]:
    """The kinds of what is stored, for one command that needs no chain. Raises ConfigurationError, StorageUnavailable,
    DatabaseUnavailable."""
    with closing(open_database(settings.database_url)) as database:
        decoded, inspector, store = DecodedImages(), PillowInspector(), wire_store(settings)
        classifier = BundledModels(images=decoded)
        kinds, screening = SqlKinds(database), ScreeningService(OcrTextFinder(), classifier, public=store.public)
        intake = IntakeService(
            images=SqlImages(database),
            store=store,
            inspector=inspector,
            screening=screening,
            kinds=kinds,
            slides=PooledSlides(max_bytes=settings.slide_bytes),
            copies=wire_copies(settings, store),
            bytes_per_client=settings.bytes_per_address,
        )
        yield KindService(
            kinds=kinds, classifications=SqlClassifications(database), classifier=classifier, intake=intake
        )


@contextmanager
def wire_received(settings: Settings) -> Iterator[ReceivedService]:
    """The queue of received images, which the server of these settings has too. Raises ConfigurationError."""
    with closing(open_database(settings.database_url)) as database:
        yield _received(settings, database, PillowInspector())


def _received(settings: Settings, database: Database, inspector: PillowInspector) -> ReceivedService:
    return ReceivedService(
        rows=SqlReceived(database),
        files=ReceivedFolder(settings.var / "received"),
        cleaner=SenderCleaner(settings.var / KEY_FILE, inspector),
        most_bytes=settings.received_bytes,
        kept_days=settings.received_days,
    )


def wire_chain(
    settings: Settings, *, brief: bool = False, progress: Callable[[int, int], None] | None = None
) -> Web3Chain:
    """The registry of the settings; ``brief`` and ``progress`` as in Web3Chain. Raises ConfigurationError when none is
    deployed on the embedded chain yet."""
    if settings.contract_address:
        contract, block = settings.contract_address, settings.contract_block
    else:
        found = deployment.load(embedded.folder(settings))
        contract, block = found.address, found.block
    return Web3Chain(
        settings.rpc_url,
        chain_id=settings.chain_id,
        contract=contract,
        start_block=block,
        brief=brief,
        progress=progress,
    )


@contextmanager
def wire_history(
    settings: Settings, *, progress: Callable[[int, int], None] | None = None
) -> Iterator[RegistryHistory]:
    """What the registry of the settings wrote, for one command: found with the index, brought up to date, where the
    database of the settings has one. Raises ConfigurationError."""
    chain = wire_chain(settings, brief=True, progress=progress)
    with ExitStack() as opened:
        index = _index_of(chain, settings, opened)
        if index is None:
            yield chain
            return
        history = IndexedHistory(chain, index)
        yield history if history.catch_up(progress) else chain


def _index_of(chain: Chain, settings: Settings, opened: ExitStack) -> EventIndex | None:
    """None without an index of that registry that can be used."""
    if not database_exists(settings.database_url):
        return None
    with suppress(ConfigurationError, DatabaseUnavailable):
        events = SqlEventStore(opened.enter_context(closing(open_database(settings.database_url))))
        if events.has_ledger(chain.chain_id, chain.contract):
            return EventIndex(chain, events)
    return None


def wire_index_check(settings: Settings) -> IndexCheck:
    """Raises ConfigurationError."""
    chain, events = wire_chain(settings), SqlEventStore(open_database(settings.database_url))
    return IndexCheck(chain, events, EventIndex(chain, events))


def wire_registry(settings: Settings, chain: RegistryHistory) -> Registry:
    """How exports name the registry of the settings, and how to check a record in it from elsewhere."""
    known = describe(settings.chain_id)
    where = ""
    if not settings.embedded_chain:
        node = settings.wallet_rpc_url or known.rpc_url or "RPC_URL"
        where = f" --rpc {node} --contract {chain.contract} --contract-block {settings.contract_block}"
    return Registry(chain.chain_id, known.name, chain.contract, where)


def wire_export_keys(settings: Settings) -> writers.ExportKeys:
    """For a command: the classifier's key is opened when an export needs it, and never made."""

    def signer() -> KeyFileSigner | None:
        if not settings.classifier_key_file.exists():
            return None
        return KeyFileSigner(settings.classifier_key_file, chain_id=settings.chain_id)

    return writers.ExportKeys(signer, _export_keys(settings))


def _export_keys(settings: Settings) -> Path:
    return settings.var / "c2pa"


def wire_registration(settings: Settings) -> ModelRegistrationService:
    """Registers models with the model admin's account of the settings. Raises ConfigurationError."""
    return ModelRegistrationService(
        models=BundledModels(),
        chain=wire_chain(settings),
        open_admin=cache(lambda: _model_admin(settings)),
        open_store=cache(lambda: wire_store(settings)),
    )


def complete_registration(settings: Settings) -> None:
    """Register every installed model on the embedded chain. Each start of that chain does so.

    Ignores the settings' key, which is for another chain: its account has neither funds nor role here. Raises
    ConfigurationError, Conflict, StorageError, ChainError.
    """
    wire_registration(replace(settings, model_admin_key=Secret(""))).complete()


def wire_review_submission(
    settings: Settings, *, progress: Callable[[int, int], None] | None = None
) -> ReviewSubmission:
    """Reviews diagnoses with the clinician's account of the settings; ``progress`` as in Web3Chain. Raises
    ConfigurationError."""
    return ReviewSubmission(
        chain=wire_chain(settings, progress=progress),
        models=ModelService(BundledModels()),
        files=StatementFolder(settings.var / "reviews"),
        open_reviewer=lambda: _clinician(settings),
        open_archive=lambda: StatementArchive(
            SqlStatements(open_database(settings.database_url)), wire_store(settings)
        ),
    )


def _model_admin(settings: Settings) -> ModelAdmin:
    return _wallet(settings, settings.model_admin_key, name="SCANPROOF_MODEL_ADMIN_KEY", development=ADMIN)


def _clinician(settings: Settings) -> Reviewer:
    return _wallet(settings, settings.clinician_key, name="SCANPROOF_CLINICIAN_KEY", development=CLINICIAN)


def _wallet(settings: Settings, key: Secret, *, name: str, development: DevelopmentAccount) -> Wallet:
    """The account of the key in the setting ``name``; on the embedded chain, without a key, ``development``."""
    if not key:
        if not settings.embedded_chain:
            raise ConfigurationError(f"{name} is not set, and an external chain needs it for this: see .env.example")
        key = Secret(development.private_key)
    return Wallet(settings.rpc_url, wire_chain(settings).contract, key, chain_id=settings.chain_id)


def wire_copies(settings: Settings, store: ObjectReader) -> SlideFolder:
    """Copies of slides of ``store``: room for one of the largest and as much again for others."""
    return SlideFolder(settings.var / "slides", store, most_bytes=2 * settings.slide_bytes)


def wire_store(settings: Settings) -> ObjectStore:
    return PinataStore(settings.pinata) if settings.pinata else EmbeddedStore(settings.var / "ipfs")


def _from_gateway(url: str) -> Copy:
    reader = GatewayReader([Gateway(url)])

    def fetch(cid: str) -> bytes | None:
        try:
            return reader.get(cid, max_bytes=MAX_IMAGE_BYTES)
        except (StorageError, NotFound, ImageTooLarge):
            return None

    return fetch


def _profile(settings: Settings, chain: Chain) -> ChainProfile:
    known = describe(settings.chain_id)
    return ChainProfile(
        name=known.name,
        currency_name=known.currency.name,
        currency_symbol=known.currency.symbol,
        currency_decimals=known.currency.decimals,
        explorer_url=known.explorer_url,
        wallet_rpc_url=settings.wallet_rpc_url or known.rpc_url,
        development=chain.development,
    )
