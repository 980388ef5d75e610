"""Records that are there already: made by the development accounts through the API, without a page."""

from __future__ import annotations

from typing import Any

from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.development_accounts import CLINICIAN, USER, DevelopmentAccount
from backend.cids import hash_of
from backend.domain import BlockRef, Diagnosis, DiagnosisRecordedEvent, Review, SignedDiagnosis, Verdict
from backend.services import statements
from tests.e2e.support.product import Product

_BASIS_POINTS = 10_000
_JSON = {"Content-Type": "application/json"}


def make_record(product: Product, image: bytes, *, sealed: bool = False) -> tuple[str, str | None]:
    """Register an image of the uploader's with its diagnosis: the image id, and the opening if it is sealed."""
    cid = product.send("POST", "/images", files={"file": ("slice.png", image, "image/png")})["cid"]
    classification = product.send("POST", f"/images/{cid}/classifications", json={"sealed": sealed})
    wanted = {"manifestHash": classification["manifestHash"], "uploader": USER.address}
    attestation = product.send("POST", f"/images/{cid}/attestations", json=wanted)
    _register(product, cid, attestation)
    return attestation["imageId"], classification["opening"]


def make_study(product: Product, slices: list[bytes]) -> str:
    """Record a study of the uploader's: its image id."""
    files = [
        {"name": f"{number}.png", "sha256": hash_of(content)[2:], "size": len(content)}
        for number, content in enumerate(slices)
    ]
    study = f"/studies/{product.send('POST', '/studies', json={'files': files})['studyId']}"
    for content in slices:
        product.send("POST", f"{study}/slices", files={"file": ("slice.png", content, "image/png")})
    while not product.send("POST", f"{study}/classifications")["classificationDone"]:
        pass
    while not product.send("POST", f"{study}/pins", json={"text": "keep"})["signable"]:
        pass
    result = product.get(study)["result"]
    wanted = {"manifestHash": result["manifestHash"], "uploader": USER.address}
    attestation = product.send("POST", f"/images/{result['cid']}/attestations", json=wanted)
    _register(product, result["cid"], attestation)
    image_id: str = attestation["imageId"]
    return image_id


def _register(product: Product, cid: str, attestation: dict[str, Any]) -> None:
    names = ("imageId", "modelId", "label", "confidence", "manifestHash", "issuedAt")
    diagnosis = Diagnosis(*(attestation["diagnosis"][name] for name in names))
    signed = (attestation[name] for name in ("signature", "classifier", "chainId", "contract"))
    _wallet(product, USER).register_with_diagnosis(cid, SignedDiagnosis(diagnosis, *signed))
    # Asking for a record brings the server's index up to date.
    product.get(f"/records/{attestation['imageId']}")


def register_image(product: Product, cid: str) -> None:
    """Register a pinned image alone, as the uploader."""
    _wallet(product, USER).register_image(cid)


def review(product: Product, image_id: str, verdict: Verdict, label: int, reason: str) -> None:
    """Review the newest diagnosis of an image as the clinician, and publish the reason unless it is sealed.

    ``label`` is the class code that holds from now on.
    """
    shown = newest(product, image_id)
    diagnosis = _event(image_id, shown)
    statement = statements.build(diagnosis, verdict, None, label, reason)
    supersedes = [shown["diagnosisId"], *(step["reviewId"] for step in shown["reviews"])][-1]
    said = Review(supersedes, hash_of(statement), verdict, label)
    _wallet(product, CLINICIAN).review(diagnosis, said)
    step = newest(product, image_id)["reviews"][-1]["reviewId"]
    if not shown["sealed"]:
        product.send("PUT", f"/reviews/{step}/statement", data=statement, headers=_JSON)


def newest(product: Product, image_id: str) -> dict[str, Any]:
    """The newest diagnosis of a record."""
    return product.get(f"/records/{image_id}")["diagnoses"][-1]


def _event(image_id: str, shown: dict[str, Any]) -> DiagnosisRecordedEvent:
    return DiagnosisRecordedEvent(
        image_id=image_id,
        diagnosis_id=shown["diagnosisId"],
        model_id=shown["modelId"],
        classifier=shown["classifier"],
        label=shown["labelCode"],
        confidence=round((shown["confidence"] or 0) * _BASIS_POINTS),
        manifest_hash=shown["manifestHash"],
        issued_at=shown["issuedAt"],
        signature=shown["signature"],
        transaction_hash=shown["transaction"]["hash"],
        log_index=0,
        block=BlockRef(**shown["block"]),
    )


def _wallet(product: Product, account: DevelopmentAccount) -> DevelopmentWallet:
    contract = product.get("/config")["chain"]["contract"]
    return DevelopmentWallet(product.chain.rpc_url, contract, account)
