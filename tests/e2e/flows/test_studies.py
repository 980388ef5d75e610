"""A study in a browser: several files, a folder or a ZIP become one record with one signature."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from eth_account.signers.local import LocalAccount
from PIL import Image
from playwright.sync_api import expect
from pydicom.uid import generate_uid

from backend.adapters.dicom.identity_map import IdentityMap
from backend.adapters.dicom.map_locks import Passphrase
from tests.backend.adapters.dicom.multiframe import enhanced
from tests.dicoms import dicom
from tests.e2e.support import images
from tests.e2e.support.axe import serious_violations as violations
from tests.e2e.support.console import Console
from tests.e2e.support.records import make_study
from tests.e2e.support.review_queue import folded
from tests.e2e.support.site import Site
from tests.e2e.wallet.wallet import InjectedWallet


@pytest.fixture
def files() -> dict[str, bytes]:
    return {f"slice-{number}.png": images.phantom() for number in (1, 2, 10)}


def choose(site: Site, files: dict[str, bytes]) -> None:
    chosen = [{"name": name, "mimeType": "image/png", "buffer": content} for name, content in files.items()]
    site.page.get_by_label("Choose an image").set_input_files(chosen)


def zipped(files: dict[str, bytes]) -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return output.getvalue()


def preview(site: Site) -> None:
    expect(site.page.get_by_test_id("study-summary")).to_be_visible()


def test_several_files_become_one_record(
    wallet: InjectedWallet, site: Site, alice: LocalAccount, files: dict[str, bytes]
) -> None:
    site.open()
    choose(site, {**files, "copy.png": files["slice-1.png"], "notes.png": b"no image"})
    preview(site)
    expect(site.page.get_by_test_id("slice")).to_have_count(3)
    expect(site.page.get_by_test_id("slice").last).to_contain_text("slice-10.png")
    left_out = site.page.get_by_test_id("left-out")
    expect(left_out).to_contain_text("2 files were left out")
    left_out.locator("summary").click()
    expect(left_out).to_contain_text("slice-1.png: the same file as copy.png")
    expect(left_out).to_contain_text(
        "notes.png: This is neither DICOM nor PNG, JPEG, TIFF, BMP or WebP. It stays on this computer."
    )
    assert violations(site.page) == []

    site.button("Pin and go on to sign").click()
    site.connect()
    site.sign()
    expect(site.heading("Recorded")).to_be_visible()
    assert wallet.popups == ["connect", "transaction"]
    receipt = site.product.chain.call("eth_getTransactionReceipt", [wallet.sent[0].hash])
    assert int(receipt["gasUsed"], 16) <= 90_000
    link = site.page.get_by_role("link", name="Open the study")
    assert re.fullmatch(r"/studies/0x[0-9a-f]{64}", link.get_attribute("href"))
    link.click()

    expect(site.heading("Study record")).to_be_visible()
    expect(site.page.get_by_test_id("record-uploader")).to_contain_text(alice.address)
    record = site.page.locator("sp-record")
    expect(record.get_by_test_id("slice")).to_have_count(3)
    site.button("Show slice 3").click()
    expect(record.get_by_text("Slice 3 of 3", exact=True)).to_be_visible()
    site.expect_verified()
    assert violations(site.page) == []
    site.page.set_viewport_size({"width": 390, "height": 844})
    assert site.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_folder_and_a_zip(site: Site, files: dict[str, bytes], tmp_path: Path) -> None:
    folder = tmp_path / "series"
    (folder / "inner").mkdir(parents=True)
    for name, content in files.items():
        (folder / "inner" / name).write_bytes(content)
    (folder / ".hidden").write_bytes(b"no image")
    site.open().page.get_by_label("Choose a folder").set_input_files(folder)
    preview(site)
    expect(site.page.get_by_test_id("slice").first).to_contain_text("series/inner/slice-1.png")

    site.button("Start again with another study").click()
    packed = zipped({f"inner/{name}": content for name, content in list(files.items())[1:]})
    site.choose(packed, name="series.zip", media_type="application/zip")
    expect(site.page.get_by_test_id("slice")).to_have_count(2)
    expect(site.page.get_by_test_id("slice").first).to_contain_text("inner/slice-2.png")


def dropped(site: Site, files: dict[str, bytes]) -> None:
    """Chosen by names without a type, as browsers give DICOM files."""
    chosen = [{"name": name, "mimeType": "", "buffer": content} for name, content in files.items()]
    site.page.get_by_label("Choose an image").set_input_files(chosen)


def head(number: int, **values: object) -> bytes:
    """A slice of a drawn head, of a patient with a name."""
    pixels = np.asarray(Image.open(io.BytesIO(images.phantom())).convert("L"))
    made = {"StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.3.1", "InstanceNumber": number, "PatientID": "one"}
    return dicom(pixels, **{**made, **values})


def test_one_file_of_several_frames_is_a_study(site: Site) -> None:
    loop = enhanced([5.0, -5.0, 0.0], sizes=(256, 256), SOPInstanceUID=generate_uid())
    site.open()
    dropped(site, {"DOE JANE.dcm": loop})
    expect(site.page.get_by_test_id("stack-place")).to_have_text("Slice 1 of 3")
    site.button("Go on as a study").click()
    site.button("Go on without a map").click()
    preview(site)
    slices = site.page.get_by_test_id("slice")
    expect(slices).to_have_count(3)
    expect(slices.first).to_contain_text("DOE JANE.dcm, frame 2")
    expect(site.page.get_by_test_id("left-out")).to_have_count(0)
    site.button("Pin and go on to sign").click()
    expect(site.heading("Sign the record")).to_be_visible()
    stored = b"".join(path.read_bytes() for path in site.product.var.rglob("*") if path.is_file())
    assert b"DOE" not in stored


def test_the_files_of_two_patients_are_a_choice(site: Site) -> None:
    mine = {f"doe/{n}.dcm": head(n, SeriesDescription="T1 AXIAL") for n in (1, 2)}
    site.open()
    dropped(site, {**mine, "roe.dcm": head(1, PatientID="two", SeriesInstanceUID="1.2.4")})
    expect(site.heading("These files are of 2 patients")).to_be_visible()
    patients = site.page.get_by_test_id("patients")
    expect(patients).to_contain_text("Patient 1: 2 images")
    expect(patients).to_contain_text("T1 AXIAL (2 images)")
    expect(patients).to_contain_text("roe.dcm")
    assert violations(site.page) == []
    site.button("Go on with patient 1").click()
    site.button("Go on without a map").click()
    preview(site)
    expect(site.page.get_by_test_id("slice")).to_have_count(2)
    site.page.get_by_test_id("left-out").locator("summary").click()
    expect(site.page.get_by_test_id("left-out")).to_contain_text("roe.dcm: of another patient")


def test_the_map_is_saved_before_anything_is_sent(site: Site, tmp_path: Path) -> None:
    sent: list[str] = []
    site.page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    named = {"PatientName": "Doe^Jane", "AccessionNumber": "ACC-9"}
    files = {f"{number}.dcm": head(number, SOPInstanceUID=f"1.2.3.1.{number}", **named) for number in (1, 2)}
    site.open()
    dropped(site, files)
    expect(site.heading("Before the files are sent")).to_be_visible()
    form = site.page.get_by_test_id("save-map")
    expect(form).to_contain_text("Without this map the result cannot be filed under the original study.")
    save = form.get_by_role("button", name="Save the map")
    for first, second, sentence in (
        ("short", "short", "Write a passphrase of at least 12 characters."),
        ("correct horse", "another horse", "The two passphrases differ."),
    ):
        form.get_by_label("Passphrase, at least").fill(first)
        form.get_by_label("Passphrase again").fill(second)
        save.click()
        expect(form.get_by_role("alert")).to_have_text(sentence)
    assert violations(site.page) == []
    form.get_by_label("Passphrase again").fill("correct horse")
    with site.page.expect_download() as download:
        save.click()
    download.value.save_as(tmp_path / "map")
    assert sent == []

    originals = IdentityMap(tmp_path / "map", Passphrase("correct horse"))
    site.button("Send the files").click()
    preview(site)
    site.button("Pin and go on to sign").click()
    expect(site.heading("Sign the record")).to_be_visible()
    study_id = next(url.split("/")[-2] for url in sent if url.endswith("/pins"))
    result = site.product.get(f"/studies/{study_id}")["result"]
    found = originals.of(result["series"]["study"])
    assert found is not None
    assert found.files == {each["sha256"] for each in result["slices"]}
    assert found.attributes == named | {"PatientID": "one"}
    assert {"1.2.3", "1.2.3.1", "1.2.3.1.1", "1.2.3.1.2"} <= set(found.uids.values())
    stored = b"".join(path.read_bytes() for path in site.product.var.rglob("*") if path.is_file())
    assert b"Doe^Jane" not in stored


def test_slices_with_text_are_left_out_by_a_click(site: Site, console: Console) -> None:
    console.tolerate("Failed to load resource")
    site.open()
    choose(
        site, {"1.png": images.phantom(), "2.png": images.with_text("Doe, Jane 1970-01-01"), "3.png": images.phantom()}
    )
    preview(site)
    site.button("Pin and go on to sign").click()
    notice = site.page.get_by_test_id("notice")
    expect(notice).to_contain_text("There seems to be text in slice 2. Nothing is pinned yet.")
    site.button("Keep these slices").click()
    expect(site.page.get_by_text("Have you looked at every one of these slices, below?")).to_be_visible()
    assert violations(site.page) == []
    site.page.get_by_role("button", name="No", exact=True).click()
    site.button("Leave these slices out").click()
    expect(site.heading("Sign the record")).to_be_visible()
    expect(site.page.get_by_test_id("slice")).to_have_count(2)
    site.page.get_by_test_id("left-out").locator("summary").click()
    expect(site.page.get_by_test_id("left-out")).to_contain_text("2.png: it seems to show text, and was left out")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (zipped({"../slice.png": b"x"}), "leads out of it"),
        (zipped({"slice.png": b"x"})[:-9], "The ZIP is damaged."),
        (zipped({}), "no file that could be an image"),
    ],
    ids=["climbs", "cut", "empty"],
)
def test_a_zip_that_is_no_study(site: Site, content: bytes, sentence: str) -> None:
    site.open().choose(content, name="series.zip", media_type="application/zip")
    expect(site.page.get_by_test_id("notice")).to_contain_text(sentence)
    expect(site.page.get_by_label("Choose an image")).to_be_attached()


def test_a_cut_connection_goes_on_and_a_reload_too(site: Site, console: Console, files: dict[str, bytes]) -> None:
    console.tolerate("Failed to load resource")
    site.open()
    sent = []

    def cut(route) -> None:
        """The second request of each kind is lost."""
        sent.append(route.request.url)
        if len(sent) == 2:
            route.abort("connectionreset")
        else:
            route.continue_()

    site.page.route("**/slices", cut)
    choose(site, files)
    preview(site)
    assert len(sent) == 4
    cid = site.hash_in("study-cid")
    site.page.reload()
    preview(site)
    assert site.hash_in("study-cid") == cid
    site.button("Start again with another study").click()
    expect(site.page.get_by_label("Choose an image")).to_be_attached()
    site.page.reload()
    expect(site.page.get_by_label("Choose an image")).to_be_attached()
    expect(site.page.get_by_test_id("study-summary")).to_have_count(0)


def test_a_clinician_sees_every_slice(site: Site) -> None:
    image_id = make_study(site.product, [images.mri(), images.mri(), images.mri()])
    item = folded(site.open("/reviews"), image_id)
    item.locator("summary").first.click()
    expect(item.get_by_test_id("slice")).to_have_count(3)
    expect(item.get_by_test_id("study-summary")).to_contain_text("two-neighbours/1")
    assert violations(site.page) == []
