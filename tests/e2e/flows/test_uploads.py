"""Files that are refused, each with its own words, by the page where it can know and by the server where not."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pydicom
import pytest
from playwright.sync_api import expect

from backend.adapters.dicom.identity_map import IdentityMap
from backend.adapters.dicom.map_locks import Passphrase
from tests.dicoms import sample
from tests.e2e.support import images
from tests.e2e.support.axe import serious_violations
from tests.e2e.support.console import Console
from tests.e2e.support.site import Site


@pytest.mark.parametrize(
    ("make", "name", "media_type", "kind"),
    [
        (images.gif, "slice.gif", "image/gif", "file-type"),
        (lambda: b"", "slice.png", "image/png", "file-empty"),
        (images.gif, "slice.png", "image/png", "file-refused"),
        (lambda: b"%PDF-1.7", "DOE.png", "image/png", "file-refused"),
        (lambda: sample("rtdose_1frame.dcm"), "dose.dcm", "application/dicom", "file-refused"),
    ],
    ids=["GIF", "empty", "GIF by another name", "PDF by another name", "dose"],
)
def test_refused_before_upload(site: Site, make, name: str, media_type: str, kind: str):
    site.open().choose(make(), name=name, media_type=media_type)

    expect(site.notice(kind)).to_be_visible()
    expect(site.page.get_by_label("Choose an image")).to_be_attached()


def test_26_megabytes_are_refused_before_upload(site: Site, tmp_path: Path):
    file = tmp_path / "slice.png"
    with file.open("wb") as sparse:
        sparse.truncate(26 * 1024 * 1024)
    site.open().page.get_by_label("Choose an image").set_input_files(file)

    expect(site.notice("file-too-large")).to_be_visible()


@pytest.mark.parametrize(
    "make",
    [images.truncated, images.bomb],
    ids=["truncated", "bomb"],
)
def test_refused_by_the_server(site: Site, console: Console, make):
    console.tolerate("the server responded with a status of 4")
    site.open().choose(make())
    site.button("Pin and classify").click()
    expect(site.notice("file-refused")).to_be_visible()
    expect(site.button("Try again")).to_be_hidden()

    site.page.get_by_role("button", name="Choose another image").click()
    site.pin_and_classify(images.mri())


def test_upload_can_be_cancelled(site: Site):
    """The server's answer is delayed, so that the upload does not end first."""
    site.open()
    site.page.route("**/api/v1/images", lambda route: None)
    site.choose(images.mri())
    site.button("Pin and classify").click()
    expect(site.page.get_by_role("progressbar", name="Upload")).to_be_visible()

    site.button("Cancel").click()

    expect(site.heading("Ready to upload")).to_be_visible()


def test_a_dicom_file_loses_its_identifiers_in_the_page(site: Site, tmp_path: Path):
    site.open().choose(images.named_dicom(), name="DOE^JANE.dcm", media_type="application/dicom")
    removed = site.page.get_by_test_id("removed")
    expect(removed).to_contain_text("This DICOM file was de-identified in this page")
    removed.get_by_text("What was removed").click()
    expect(removed).to_contain_text("(0008,0080) Institution Name")
    expect(site.page.get_by_text("DOE^JANE")).to_be_hidden()
    site.page.get_by_text("Save the map back to the original study first").click()
    form = site.page.get_by_test_id("save-map")
    for label in ("Passphrase, at least", "Passphrase again"):
        form.get_by_label(label).fill("correct horse battery")
    with site.page.expect_download() as download:
        form.get_by_role("button", name="Save the map").click()
    download.value.save_as(tmp_path / "map")
    assert serious_violations(site.page) == []

    with site.page.expect_response("**/api/v1/images") as answer:
        site.button("Pin and classify").click()
    assert answer.value.status == 201
    content = site.page.request.get(f"{site.product.url}/api/v1/images/{answer.value.json()['cid']}/content").body()
    study = str(pydicom.dcmread(io.BytesIO(content)).StudyInstanceUID)
    found = IdentityMap(tmp_path / "map", Passphrase("correct horse battery")).of(study)
    assert found is not None
    assert (found.uids[study], found.attributes["PatientName"]) == ("1.2.840.5", "Doe^Jane")
    assert found.files == {hashlib.sha256(content).hexdigest()}
    expect(site.heading("Result")).to_be_visible()
    expect(site.page.get_by_test_id("stripped")).to_contain_text("This DICOM file was de-identified in this page")


def test_text_in_the_picture_is_shown_and_made_black(site: Site, console: Console):
    console.tolerate("the server responded with a status of 409")
    site.open().choose(images.with_text("DOE JANE 1961-03-12"))
    site.button("Pin and classify").click()
    question = site.page.get_by_test_id("question")
    expect(question).to_contain_text("The picture seems to show text in one place, outlined here.")
    expect(site.page.get_by_role("img", name="Outline: where there seems to be text")).to_be_visible()
    assert serious_violations(site.page) == []

    with site.page.expect_response("**/api/v1/images") as answer:
        site.button("Make the text black").click()
    assert answer.value.json()["stripped"] == ["text in the picture"]
    expect(site.heading("Result")).to_be_visible()
