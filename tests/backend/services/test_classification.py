"""Only pinned, intact bytes are classified, and only once for each model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import version

import pytest
import rfc8785

from backend.container import Container
from backend.domain import GateOpinion, ImageFacts
from backend.errors import CidMismatch, NotFound
from backend.settings import Settings
from backend.wiring import wire


def tamper(container: Container, cid: str) -> None:
    (block,) = (container.settings.var / "ipfs" / "blocks").rglob(cid)
    content = bytearray(block.read_bytes())
    content[len(content) // 2] ^= 1
    block.chmod(0o600)
    block.write_bytes(content)


def test_an_image_that_was_not_pinned_is_not_classified(container: Container, picture: Callable[..., bytes]) -> None:
    cid = container.inspector.accept(picture())[1].cid
    with pytest.raises(NotFound, match=f"^no image {cid} was uploaded here$"):
        container.classification.classify(cid, None)


def test_bytes_that_were_changed_are_not_classified(container: Container, image: ImageFacts) -> None:
    tamper(container, image.cid)
    with pytest.raises(CidMismatch, match=f"^expected the bytes of {image.cid}, got bytes of baf"):
        container.classification.classify(image.cid, None)


def test_the_manifest_is_in_the_store_under_the_cid_that_its_hash_gives(
    container: Container, image: ImageFacts
) -> None:
    made, created = container.classification.classify(image.cid, None)
    assert created
    stored = container.store.get(made.manifest_cid, max_bytes=100_000)
    assert stored == made.manifest == rfc8785.dumps(json.loads(stored))
    assert hashlib.sha256(stored).hexdigest() == made.manifest_hash
    manifest = json.loads(stored)
    assert manifest["image"] == {"cid": image.cid, "sha256": image.sha256}
    assert (manifest["label"], manifest["labelCode"]) == (made.label, made.label_code)
    assert manifest["confidence"] == made.confidence
    assert manifest["code"] == f"scanproof/{version('scanproof')}"


@pytest.mark.parametrize("model", [None, "brain-mri"])
def test_a_repeated_classification_is_answered_from_the_database_alone(
    container: Container, image: ImageFacts, monkeypatch: pytest.MonkeyPatch, model: str | None
) -> None:
    first, _ = container.classification.classify(image.cid, model)
    for owner, name in (
        (type(container.store), "get"),
        (type(container.classifier), "predict"),
        (type(container.classifier), "recognise"),
    ):
        monkeypatch.setattr(owner, name, lambda *_args, name=name, **_options: pytest.fail(f"{name} was called"))
    assert container.classification.classify(image.cid, model) == (first, False)


def test_a_new_classification_fetches_the_image_once(
    container: Container, image: ImageFacts, fetched: list[str]
) -> None:
    container.classification.classify(image.cid, None)
    assert fetched.count(image.cid) == 1


def test_another_decoding_asks_gate_and_model_again(
    container: Container, image: ImageFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = container.classification.classify(image.cid, None)
    monkeypatch.setattr(type(container.classifier), "decoding", first.decoding + 1)
    monkeypatch.setattr(type(container.classifier), "recognise", lambda _, gate, __: GateOpinion(gate, "brain-mri"))
    again, created = container.classification.classify(image.cid, None)
    assert (again.model.name, again.decoding, created) == ("brain-mri", first.decoding + 1, True)
    monkeypatch.undo()
    assert container.classification.classify(image.cid, None) == (first, False)


def test_a_store_that_gives_other_bytes_is_not_believed(
    container: Container, image: ImageFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(container.store), "get", lambda *_args, **_options: b"other")
    other = hashlib.sha256(b"other").hexdigest()
    with pytest.raises(
        CidMismatch,
        match=f"^expected the bytes of {image.cid} with SHA-256 {image.sha256}, got bytes of SHA-256 {other}$",
    ):
        container.classification.classify(image.cid, None)


@pytest.mark.parametrize("interval_s", [0, 1])
def test_processes_at_once_end_with_one_manifest(
    container: Container, settings: Settings, image: ImageFacts, interval_s: int
) -> None:
    """Manifests of one second are the same object, others differ; either way the one that counts stays."""
    containers = [container, *(wire(settings) for _ in range(3))]
    for number, wired in enumerate(containers):
        wired.classification._now = lambda at=datetime(2026, 1, 2, 3, 4, interval_s * number, tzinfo=UTC): at
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda wired: wired.classification.classify(image.cid, None), containers))
    (kept,) = {classification.manifest_cid for classification, _ in made}
    assert [created for _, created in made].count(True) == 1
    pins = {path.name for path in (settings.var / "ipfs" / "pins").iterdir()}
    assert pins == {image.cid, kept}
    for wired in containers[1:]:
        wired.close()


def test_a_manifest_is_found_by_its_hash_even_without_the_database(
    container: Container, image: ImageFacts, settings: Settings
) -> None:
    made, _ = container.classification.classify(image.cid, None)
    (settings.var / "scanproof.db").unlink()
    rebuilt = wire(settings)
    assert rebuilt.classification.manifest(made.manifest_hash) == made.manifest
    rebuilt.close()


def test_the_same_bytes_give_the_same_numbers_again(
    container: Container, settings: Settings, image: ImageFacts
) -> None:
    made, _ = container.classification.classify(image.cid, None)
    (settings.var / "scanproof.db").unlink()
    rebuilt = wire(settings)
    again, created = rebuilt.classification.classify(image.cid, None)
    assert created
    assert again.probabilities == made.probabilities
    rebuilt.close()
