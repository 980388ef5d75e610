"""The scrub of a store whose objects a pinning service keeps: each is fetched and hashed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from backend.container import Container
from backend.domain import StoredObject
from backend.services.screening import Answers
from backend.services.scrub import ScrubReport
from backend.settings import Settings
from backend.wiring import wire
from tests.standins.pinata_fixture import PinataStandIn

CLIENT = "127.0.0.1"
ANSWERS = Answers(pin_anyway=True)
OTHER = "the store gives other bytes"
UNPINNED = "it is not pinned"


@pytest.fixture
def pinning(settings: Settings, pinata: PinataStandIn) -> Iterator[Container]:
    container = wire(replace(settings, storage="pinata", pinata=pinata.settings()))
    yield container
    container.close()


@pytest.fixture
def content(picture: Callable[..., bytes]) -> bytes:
    return picture(size=(300, 200))


@pytest.fixture
def image(pinning: Container, content: bytes) -> str:
    return pinning.intake.accept(content, client=CLIENT, answers=ANSWERS).facts.cid


@pytest.fixture
def manifest(pinning: Container, image: str) -> str:
    return pinning.classification.classify(image, "brain-mri")[0].manifest_cid


def unpin(container: Container, cid: str) -> None:
    container.store.delete(StoredObject(cid, 0, None))


def found_by(report: ScrubReport) -> list[tuple[str, str, str | None]]:
    return [(finding.what, finding.problem, finding.repair) for finding in report.findings]


def test_every_object_is_fetched_and_hashed(
    pinning: Container, image: str, manifest: str, pinata: PinataStandIn
) -> None:
    before = len(pinata.requests("gateway"))
    report = pinning.scrub.run()
    assert (report.objects, report.findings, report.unchecked) == (2, [], [])
    asked = pinata.requests("gateway")[before:]
    assert {cid for cid in (image, manifest) if any(cid in request["url"] for request in asked)} == {image, manifest}


def test_other_bytes_are_found_and_the_object_pinned_again_from_another_gateway(
    pinning: Container, image: str, pinata: PinataStandIn
) -> None:
    for gateway in ("gateway", "public"):
        pinata.fault(gateway, "tampered")
    assert found_by(pinning.scrub.run(dry_run=True)) == [(image, OTHER, None)]
    for gateway in ("gateway", "public"):
        pinata.fault(gateway, "tampered")
    assert found_by(pinning.scrub.run()) == [(image, OTHER, "pinned again")]
    assert pinning.scrub.damage() == []


def test_a_lost_manifest_is_pinned_from_the_database_and_a_lost_image_is_named(
    pinning: Container, image: str, manifest: str, content: bytes
) -> None:
    for cid in (image, manifest):
        unpin(pinning, cid)
    found = {(image, UNPINNED, None), (manifest, UNPINNED, "written again from the database")}
    assert set(found_by(pinning.scrub.run())) == found
    assert pinning.store.has(manifest)
    for _ in pinning.scrub.steps(ScrubReport(), fetched=0):
        pass
    assert pinning.scrub.damage() == [f"{image}: {UNPINNED}"]
    pinning.intake.accept(content, client=CLIENT, answers=ANSWERS)
    assert pinning.scrub.run().findings == []
    assert pinning.scrub.damage() == []


def test_in_the_background_the_objects_are_fetched_in_turn(
    pinning: Container, image: str, manifest: str, pinata: PinataStandIn
) -> None:
    before = len(pinata.requests("gateway"))
    for _ in range(4):
        report = ScrubReport()
        for _ in pinning.scrub.steps(report, fetched=1):
            pass
        assert report.objects == 1
    asked = [re.search(r"baf\w+", request["url"])[0] for request in pinata.requests("gateway")[before:]]
    assert (asked[:2], set(asked)) == (asked[2:], {image, manifest})


def test_a_service_that_refuses_is_not_asked_for_the_rest(
    pinning: Container, picture: Callable[..., bytes], pinata: PinataStandIn
) -> None:
    for side in range(300, 305):
        pinning.intake.accept(picture(size=(side, 200)), client=CLIENT, answers=ANSWERS)
    before = len(pinata.requests("api"))
    pinata.fault("api", "unauthorized", times=100)
    report = pinning.scrub.run()
    assert (report.objects, report.findings) == (0, [])
    assert len(report.unchecked) == 3
    assert report.unchecked[-1].startswith("the objects: Pinata refused the request: 401 INVALID_CREDENTIALS")
    assert report.unchecked[-1].endswith("; the rest was not fetched")
    assert len(pinata.requests("api")) == before + 3
