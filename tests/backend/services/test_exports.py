"""The facts of a record: read from what was verified, and of nothing else."""

from __future__ import annotations

import io
import itertools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from eth_utils.address import to_checksum_address
from PIL import Image

from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.development_accounts import ADMIN, CLINICIAN
from backend.adapters.dicom.reference import PooledDicomReader
from backend.adapters.exports.writers import write
from backend.cids import hash_of, raw_cid
from backend.container import Container
from backend.domain import Classification, DiagnosisStatus, Review, Verdict
from backend.errors import Conflict, NotFound, RecordNotVerified
from backend.exports import RecordFacts
from backend.services import exports, statements
from backend.services.exports import ExportService
from backend.services.models import ModelService
from backend.settings import Settings
from backend.wiring import wire_registry
from ml.datasets.phantom import phantom_png
from tests.backend.services.conftest import CLIENT
from tests.backend.studies import record_study
from tests.dicoms import deidentified, dicom

PAGE = "http://localhost:5000"
REASON = "Seen on two slices."
_seeds = itertools.count(91_000)


def slice_of(number: int) -> bytes:
    """A DICOM file with a tumour, as it may be pinned."""
    pixels = np.asarray(Image.open(io.BytesIO(phantom_png(seed=number))).convert("L"))
    return deidentified(
        dicom(
            pixels,
            StudyInstanceUID="1.2.3",
            SeriesInstanceUID="1.2.3.4",
            SOPInstanceUID=f"1.2.3.4.{number}",
            InstanceNumber=number,
            PixelSpacing=[0.5, 0.5],
        )
    )


def attested(container: Container, alice: DevelopmentWallet, made: Classification) -> str:
    """The image id of a recorded classification."""
    signed, _ = container.attestation.attest(made.cid, made.manifest_hash, alice.address)
    if container.chain.image_states([signed.diagnosis.image_id])[0]:
        alice.record_diagnosis(signed)
    else:
        alice.register_with_diagnosis(made.cid, signed)
    return signed.diagnosis.image_id


def recorded(container: Container, alice: DevelopmentWallet, content: bytes, model: str | None = None) -> str:
    cid = container.intake.accept(content, client=CLIENT).facts.cid
    return attested(container, alice, container.classification.classify(cid, model)[0])


@pytest.fixture
def image_id(container: Container, alice: DevelopmentWallet) -> str:
    return recorded(container, alice, slice_of(next(_seeds)))


@pytest.fixture
def clinician(settings: Settings) -> DevelopmentWallet:
    return DevelopmentWallet(settings.rpc_url, settings.contract_address, CLINICIAN)


def reviewed(
    container: Container,
    clinician: DevelopmentWallet,
    image_id: str,
    verdict: Verdict,
    label: str | None,
    code: int,
    *,
    outline: statements.Outline | None = None,
    slices: tuple[statements.SliceOutline, ...] = (),
    published: bool = True,
) -> None:
    """Review the newest diagnosis of a record."""
    record = container.records.find(image_id)
    diagnosis = record.diagnoses[-1]
    earlier = [diagnosis.diagnosis_id, *(each.review_id for each in record.reviews_of(diagnosis))]
    content = statements.build(diagnosis, verdict, label, code, REASON, outline=outline, slice_outlines=slices)
    if published:
        container.store.put(content, name="statement", media_type="application/json")
    clinician.review(diagnosis, Review(earlier[-1], hash_of(content), verdict, code))


def of(container: Container, image_id: str, **options) -> RecordFacts:
    return container.exports.facts(image_id, page=PAGE, **options)


def test_the_facts_of_a_dicom_file(container: Container, alice: DevelopmentWallet, image_id: str) -> None:
    found = of(container, image_id)

    record = container.records.find(image_id)
    (event,) = record.diagnoses
    assert (found.image_id, found.cid, found.uploader) == (image_id, record.image.cid, alice.address)
    assert (found.transaction_hash, found.block) == (record.image.transaction_hash, record.image.block)
    assert (found.chain_id, found.contract) == (container.chain.chain_id, container.chain.contract)
    assert found.link == f"{PAGE}/records/{image_id}"
    assert found.verify == f"scanproof verify --image-id {image_id}"
    diagnosis = found.diagnosis
    assert (diagnosis.number, diagnosis.status, diagnosis.verified) == (1, DiagnosisStatus.ASSERTED, False)
    assert (diagnosis.label, diagnosis.label_code, diagnosis.current_label) == ("meningioma", 2, "meningioma")
    assert (diagnosis.label_text, diagnosis.current_label_text) == ("Meningioma", "Meningioma")
    assert diagnosis.confidence == event.confidence / 10_000 == round(diagnosis.probabilities["meningioma"], 4)
    assert (diagnosis.model_id, diagnosis.model.name) == (event.model_id, "brain-mri")
    assert (diagnosis.manifest_hash, diagnosis.manifest_cid) == (event.manifest_hash, raw_cid(event.manifest_hash))
    assert (diagnosis.transaction_hash, diagnosis.reviews) == (event.transaction_hash, ())
    (picture,) = found.pictures
    assert found.shown is picture and found.study is None
    assert (picture.sha256, picture.media_type, picture.width) == (found.sha256, "application/dicom", 512)
    assert picture.dicom and picture.dicom.spacing == (0.5, 0.5)
    assert picture.outline and picture.outline.model and picture.outline.model.name == "tumour-outline"
    assert picture.outline.area == round(picture.outline.pixels * 0.25, 2) > 0


def test_every_dicom_export_of_it_is_made(container: Container, image_id: str) -> None:
    found = of(container, image_id)
    for kind in ("sr", "seg", "sc"):
        assert container.exports.write(kind, found).content[128:132] == b"DICM"
    with pytest.raises(NotFound, match="expected one of the exports sr, seg, sc"):
        container.exports.write("doc", found)


def test_an_abstention_has_a_reason_and_no_outline(
    container: Container, alice: DevelopmentWallet, image, picture
) -> None:
    found = of(container, recorded(container, alice, picture()))
    diagnosis = found.diagnosis
    assert (diagnosis.abstained, diagnosis.status) == (True, DiagnosisStatus.ABSTAINED)
    assert diagnosis.reason and (diagnosis.label, diagnosis.current_label) == ("abstained", "abstained")
    assert (found.shown.outline, found.shown.no_outline) == (None, "the classifier gave no answer")


def test_the_newest_diagnosis_is_exported_or_the_one_with_a_number(
    container: Container, alice: DevelopmentWallet, image_id: str
) -> None:
    cid = container.records.find(image_id).image.cid
    attested(container, alice, container.classification.classify(cid, None)[0])
    first, second = (each.diagnosis_id for each in container.records.find(image_id).diagnoses)

    found = [of(container, image_id, diagnosis=number).diagnosis for number in (1, 2, None)]

    assert [(each.number, each.diagnosis_id) for each in found] == [(1, first), (2, second), (2, second)]
    with pytest.raises(NotFound, match="expected a diagnosis from 1 to 2, found 3"):
        of(container, image_id, diagnosis=3)


def test_reviews_change_what_is_valid(container: Container, image_id: str, clinician: DevelopmentWallet) -> None:
    reviewed(container, clinician, image_id, Verdict.CONFIRMED, "meningioma", 2, published=False)
    confirmed = of(container, image_id).diagnosis
    assert (confirmed.status, confirmed.verified) == (DiagnosisStatus.CONFIRMED, True)
    assert [(each.verdict, each.label, each.reason) for each in confirmed.reviews] == [
        (Verdict.CONFIRMED, "meningioma", None)
    ]

    reviewed(container, clinician, image_id, Verdict.OVERRIDDEN, "glioma", 1)
    overridden = of(container, image_id).diagnosis
    assert (overridden.label, overridden.current_label, overridden.verified) == ("meningioma", "glioma", True)
    assert overridden.current_label_text == "Glioma"
    assert overridden.reviews[-1].reason == REASON
    shown = of(container, image_id).shown
    assert (shown.outline, shown.no_outline) == (None, "the model's result was overridden by a clinician")

    reviewed(container, clinician, image_id, Verdict.WITHDRAWN, None, 0)
    withdrawn = of(container, image_id).diagnosis
    assert (withdrawn.current_label, withdrawn.current_label_text, withdrawn.verified) == (None, None, False)
    assert (withdrawn.reviews[-1].label, withdrawn.status_text) == (None, "withdrawn by a clinician")


def test_the_outline_of_a_clinician_takes_the_place_of_the_models(
    container: Container, image_id: str, clinician: DevelopmentWallet
) -> None:
    square = (((10.0, 20.0), (30.0, 20.0), (30.0, 40.0), (10.0, 40.0)),)
    reviewed(container, clinician, image_id, Verdict.CONFIRMED, "meningioma", 2, outline=square)

    outline = of(container, image_id).shown.outline

    assert outline is not None
    assert (outline.contours, outline.pixels, outline.area, outline.model) == (square, 400, 100.0, None)
    assert outline.reviewer == clinician.address

    reviewed(container, clinician, image_id, Verdict.CONFIRMED, "meningioma", 2, outline=())
    shown = of(container, image_id).shown
    assert (shown.outline, shown.no_outline) == (None, "a clinician removed the model's outline")


def test_a_sealed_diagnosis_is_exported_with_its_opening_only(
    container: Container, alice: DevelopmentWallet, clinician: DevelopmentWallet
) -> None:
    cid = container.intake.accept(phantom_png(seed=next(_seeds)), client=CLIENT).facts.cid
    sealed = container.classification.seal(cid, None)
    image_id = attested(container, alice, sealed)

    with pytest.raises(Conflict, match="is sealed: an export needs its opening"):
        of(container, image_id)
    diagnosis = of(container, image_id, openings=[sealed.manifest]).diagnosis
    assert (diagnosis.label, diagnosis.label_code, diagnosis.label_text) == ("meningioma", 2, "Meningioma")
    assert diagnosis.confidence == pytest.approx(sealed.confidence, abs=1e-6)
    assert diagnosis.current_label == "meningioma"

    reviewed(container, clinician, image_id, Verdict.CONFIRMED, "meningioma", 65_535)
    (review,) = of(container, image_id, openings=[sealed.manifest]).diagnosis.reviews
    assert review.reason is None, "the statement of a sealed diagnosis is never public"


def test_what_does_not_verify_is_not_exported(container: Container, image_id: str) -> None:
    manifest = raw_cid(container.records.find(image_id).diagnoses[0].manifest_hash)
    (container.settings.var / "ipfs" / "pins" / manifest).unlink()

    with pytest.raises(RecordNotVerified, match=f"the record {image_id} does not verify") as refused:
        of(container, image_id)

    assert {check.name for check in refused.value.failed} >= {"manifest bytes"}
    assert "more checks failed" in str(refused.value)
    with pytest.raises(NotFound, match="no image 0xabab"):
        of(container, "0x" + "ab" * 32)


def test_what_a_compromised_key_signed_is_exported_as_not_valid(
    container: Container, image_id: str, clinician: DevelopmentWallet, started_ganache
) -> None:
    """The report is taken back: the chain serves other tests too."""
    settings, node = started_ganache
    reviewed(container, clinician, image_id, Verdict.CONFIRMED, "meningioma", 2)
    (event,) = container.records.find(image_id).diagnoses
    snapshot = node.provider.make_request("evm_snapshot", [])["result"]
    try:
        admin = DevelopmentWallet(settings.rpc_url, settings.contract_address, ADMIN)
        report = admin._send("reportCompromise", to_checksum_address(event.classifier), event.block.timestamp)

        found = of(container, image_id)
        diagnosis = found.diagnosis
        assert diagnosis.compromise is not None
        assert (diagnosis.compromise.transaction_hash, diagnosis.compromise.admin) == (report.hash, admin.address)
        assert (diagnosis.status_name, diagnosis.verified, diagnosis.current_label) == ("compromised", False, None)
        assert found.shown.outline is None
        for kind in ("sr", "sc", "fhir", "prov", "pdf", "c2pa"):
            assert container.exports.write(kind, found).content
        with pytest.raises(Conflict, match="nothing is outlined on this record: the key that signed the result is"):
            container.exports.write("seg", found)
        with pytest.raises(Conflict, match="the classifier's key is reported as compromised"):
            container.exports.write("vc", found)
        manifest = raw_cid(event.manifest_hash)
        (container.settings.var / "ipfs" / "pins" / manifest).unlink()
        with pytest.raises(RecordNotVerified):
            of(container, image_id)
    finally:
        assert node.provider.make_request("evm_revert", [snapshot])["result"]


def test_a_model_that_this_server_lacks_since_is_named(container: Container, image_id: str) -> None:
    service = ExportService(
        verification=container.verification,
        store=container.store,
        documents=container.store,
        inspector=container.inspector,
        dicom=PooledDicomReader(),
        outliner=container.classifier,
        models=ModelService(SimpleNamespace(describe=lambda _: None, known=tuple)),
        registry=wire_registry(container.settings, container.chain),
        write=write,
    )
    with pytest.raises(NotFound, match=r"expected the model 0x[0-9a-f]{64}, found none"):
        service.facts(image_id, page=PAGE)


def test_a_record_without_a_diagnosis_has_nothing_to_export(
    container: Container, alice: DevelopmentWallet, image
) -> None:
    alice.register_image(image.cid)
    with pytest.raises(Conflict, match="has no diagnosis: there is nothing to export"):
        of(container, container.chain.image_id(alice.address, image.cid))


@pytest.fixture
def study(container: Container, alice: DevelopmentWallet) -> str:
    files = {f"{number}.dcm": slice_of(next(_seeds)) for number in range(3)}
    documents = record_study(container, alice, files)
    return container.chain.image_id(alice.address, documents.manifest.cid)


def test_the_facts_of_a_study(container: Container, study: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = of(container, study)

    assert found.study is not None and found.study.series is not None
    assert (len(found.study.slices), found.study.summary.deciding) == (3, (0, 2))
    assert (found.diagnosis.label, found.diagnosis.abstained, found.diagnosis.probabilities) == (
        *("meningioma", False, {}),
    )
    assert [picture.order for picture in found.pictures] == [0, 1, 2]
    assert [picture.cid for picture in found.pictures] == [each.cid for each in found.study.slices]
    assert {picture.dicom.series for picture in found.pictures if picture.dicom} == {found.study.series.series}
    assert found.shown.order == 1
    assert all(picture.outline for picture in found.pictures)

    for name, value, orders in (
        ("MAX_PICTURE_BYTES", 2 * found.study.slices[0].size, [0, 1]),
        ("MAX_PICTURES", 1, [1]),
    ):
        monkeypatch.setattr(exports, name, value)
        assert [picture.order for picture in of(container, study).pictures] == orders


SQUARE = (((10.0, 20.0), (30.0, 20.0), (30.0, 40.0), (10.0, 40.0)),)


def test_a_clinicians_outlines_are_on_the_slices_that_they_name(
    container: Container, study: str, clinician: DevelopmentWallet
) -> None:
    found = of(container, study).study
    assert found is not None
    first, second, third = (each.cid for each in found.slices)
    slices = (
        statements.SliceOutline(0, first, SQUARE),
        statements.SliceOutline(1, second, ()),
        statements.SliceOutline(2, first, SQUARE),
        statements.SliceOutline(7, third, SQUARE),
    )
    reviewed(container, clinician, study, Verdict.CONFIRMED, "meningioma", 2, slices=slices)

    facts = of(container, study)

    drawn, removed, foreign = facts.pictures
    assert drawn.outline is not None and foreign.outline is not None
    assert (drawn.outline.contours, drawn.outline.reviewer, drawn.outline.area) == (SQUARE, clinician.address, 100.0)
    assert (removed.outline, removed.no_outline) == (None, "a clinician removed the model's outline")
    assert foreign.outline.reviewer is None, "the statement names another image for this slice"
    assert facts.shown is drawn
    for kind in ("sr", "seg", "sc"):
        assert container.exports.write(kind, facts).content[128:132] == b"DICM"


def test_a_slice_that_a_clinician_outlined_is_shown_although_it_did_not_decide(
    container: Container, study: str, clinician: DevelopmentWallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "MAX_PICTURES", 2)
    found = of(container, study).study
    assert found is not None
    last = statements.SliceOutline(2, found.slices[2].cid, SQUARE)
    reviewed(container, clinician, study, Verdict.WITHDRAWN, None, 0, slices=(last,))

    facts = of(container, study)

    assert [each.order for each in facts.pictures] == [1, 2]
    assert [each.outline is not None for each in facts.pictures] == [False, True]
    assert facts.shown.order == 2


def test_an_outline_around_no_pixel_is_none(container: Container, image_id: str, clinician: DevelopmentWallet) -> None:
    speck = (((10.0, 10.0), (10.2, 10.0), (10.0, 10.2)),)
    reviewed(container, clinician, image_id, Verdict.CONFIRMED, "meningioma", 2, outline=speck)
    shown = of(container, image_id).shown
    assert (shown.outline, shown.no_outline) == (None, "the outline encloses no pixel")


def test_a_study_without_a_finding_shows_its_middle(container: Container, alice: DevelopmentWallet, picture) -> None:
    documents = record_study(container, alice, {f"{number}.png": picture() for number in range(4)})
    found = of(container, container.chain.image_id(alice.address, documents.manifest.cid))
    assert found.diagnosis.abstained and found.diagnosis.reason
    assert [each.order for each in found.pictures] == [2]
    assert found.study is not None and found.study.series is None


def test_a_registry_elsewhere_is_named_with_a_node(container: Container) -> None:
    external = replace(container.settings, chain="external", chain_id=11155111, wallet_rpc_url=None, contract_block=5)
    found = wire_registry(external, container.chain)
    assert found.chain_name == "Sepolia"
    assert found.verify.startswith(" --rpc https://")
    assert found.verify.endswith(f" --contract {container.chain.contract} --contract-block 5")
